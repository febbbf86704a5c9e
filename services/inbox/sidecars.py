"""Keep a checksum file (`sample.c4gh.sha256`, `.md5`): in the database, for the archive to compare with."""

import re
from collections.abc import Callable

from sqlalchemy import Connection

from services.inbox.errors import InboxError
from services.inbox.inbox import Inbox
from services.inbox.paths import sidecar_algorithm
from services.inbox.placing import check_place
from shared.broker.unit import Unit
from shared.database.statements import SIDECAR_KEEP

MAX_SIZE = 4096
"""Bytes of a checksum file."""

_DIGESTS = {"sha256": re.compile("[0-9a-f]{64}"), "md5": re.compile("[0-9a-f]{32}")}


CheckPlace = Callable[[Connection, str, str], None]
"""The front's rule about where a user may put a file; raises InboxError."""


def check_sidecar_place(inbox: Inbox, user: str, path: str, check: CheckPlace = check_place) -> None:
    """Raise InboxError unless a checksum file may be written at a path."""
    with inbox.database.read() as connection:
        check(connection, user, path)


def keep_sidecar(inbox: Inbox, user: str, path: str, content: bytes, check: CheckPlace = check_place) -> None:
    """Keep a checksum file in place of an earlier one. Raises InboxError, DatabaseAway, Busy."""
    algorithm, value = read_digest(path, content)

    def keep(connection: Connection, unit: Unit) -> None:
        check(connection, user, path)
        unit.add(SIDECAR_KEEP, user=user, path=path, algorithm=algorithm, value=value, size=len(content), at=unit.at)

    inbox.settle(keep)


def read_digest(path: str, content: bytes) -> tuple[str, str]:
    """Return algorithm and digest of a checksum file: its first word, as `sha256sum` writes it. Raises InboxError."""
    algorithm = sidecar_algorithm(path)
    words = content.split(maxsplit=1)
    value = words[0].decode("ascii", errors="replace").lower() if words else ""
    if algorithm is None or not _DIGESTS[algorithm].fullmatch(value):
        name = path.rpartition("/")[2]
        raise InboxError(f"{name} does not begin with a checksum in hexadecimal, as sha256sum and md5sum write it")
    return algorithm, value
