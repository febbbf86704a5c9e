"""What the use cases of the inbox stand on."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from services.inbox.errors import Busy
from services.inbox.header_check import HeaderCheck
from services.inbox.open_uploads import OpenUploads
from shared.broker.committer import Committer
from shared.broker.unit import Unit
from shared.database.engine import Conflict, Database
from shared.storage.port import ObjectStore

T = TypeVar("T")

SERVICE = "inbox"
_ATTEMPTS = 40
_LONGEST_PAUSE = 0.05
"""Seconds that the loser of a race waits at most: fifty uploads of one name in several processes all get through."""


@dataclass(frozen=True)
class Inbox:
    """Database, store, and the uploads under way in this process.

    quota: bytes that a user may have in the inbox, None for any. headers: the look at the beginning of each upload.
    """

    database: Database
    committer: Committer
    store: ObjectStore
    uploads: OpenUploads
    quota: int | None = None
    headers: HeaderCheck = HeaderCheck()  # noqa: RUF009 - holds nothing that changes

    def settle(self, decide: Callable[[Connection, Unit], T]) -> T:
        """Read, decide and commit; who loses a race reads and decides anew. Raises DatabaseAway, Busy."""
        for _ in range(_ATTEMPTS):
            unit = Unit(service=SERVICE)
            with self.database.read() as connection:
                result = decide(connection, unit)
            if not unit.effects or self._committed(unit):
                return result
            time.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311 - nothing secret
        raise Busy

    async def committed(self, unit: Unit) -> None:
        """Wait on an event loop for the commit of a unit, which nothing takes back. Raises DatabaseAway, Conflict."""
        await asyncio.shield(asyncio.wrap_future(self.committer.submit(unit, breathes=True)))

    def _committed(self, unit: Unit) -> bool:
        try:
            self.committer.commit(unit)
        except Conflict:
            return False
        return True
