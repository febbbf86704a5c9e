"""Leases on long work: who was presumed dead can no longer commit over his successor's result (design, section 4)."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import bindparam, delete, text, update
from sqlalchemy.types import Text

from shared.broker.committer import Committer
from shared.broker.unit import Lease, Origin, Unit
from shared.database.engine import Conflict
from shared.database.queue_tables import leases
from shared.database.records import File
from shared.database.statements import FILE_TOUCH, LEASE_RELEASE, Statement
from shared.database.states import FileState
from shared.database.types import FileUuid, UtcDateTime
from shared.errors import NotYet
from shared.lifecycle import Repeating


def _bind(name: str, type_: Any) -> Any:  # noqa: ANN401 - SQLAlchemy's bindparam is generic in what it binds
    return bindparam(name, type_=type_)


LEASE_CLAIM = Statement(
    1,
    text(
        # a copy of the message may have been handled since this one was taken
        "INSERT INTO leases (name, token, expires_at) SELECT :name, :token, :expires_at WHERE NOT EXISTS "
        "(SELECT 1 FROM handled WHERE queue = :queue AND message_id IN (:handled_message, :handled_attempt)) "
        "ON CONFLICT (name) DO UPDATE SET token = excluded.token, expires_at = excluded.expires_at "
        "WHERE leases.expires_at < :at"
    ).bindparams(
        _bind("name", Text()),
        _bind("token", FileUuid),
        _bind("expires_at", UtcDateTime()),
        _bind("queue", Text()),
        _bind("handled_message", FileUuid),
        _bind("handled_attempt", FileUuid),
        _bind("at", UtcDateTime()),
    ),
    conditional=True,
)
LEASE_ABANDON = Statement(1, LEASE_RELEASE.sql)
LEASE_CLEAR = Statement(1, delete(leases))
LEASE_RENEW = Statement(
    1,
    update(leases)
    .where(leases.c.name == bindparam("lease"), leases.c.token == _bind("lease_token", FileUuid))
    .values(expires_at=_bind("until", UtcDateTime())),
)


class LeaseKeeper(Repeating):
    """Takes leases for the deliveries of this process, renews them while work goes on, and lets them go."""

    def __init__(self, committer: Committer, *, ttl: timedelta = timedelta(seconds=60)) -> None:
        super().__init__("leases", seconds=ttl.total_seconds() / 3)
        self._committer = committer
        self._ttl = ttl
        self._held: set[Lease] = set()
        self._lock = threading.Lock()

    def claim(self, unit: Unit, file: File, *, moving_to: FileState | None = None) -> File:
        """Take the lease on a file for `unit`, and move the file in the same transaction.

        Returns the file in its new state. Raises NotYet while another worker holds the lease, if the file is no longer
        in the state in which it was read, or if a copy of the message has been handled meanwhile.
        """
        start = Unit(unit.service)
        if moving_to in {None, file.state}:
            start.add(FILE_TOUCH, file=file.id, is_still=file.state.value, at=start.at)
        else:
            start.move(file, moving_to)
        file = replace(file, state=moving_to or file.state, changed_at=start.at)
        self._take(unit, file.id, start)
        unit.file = file
        return file

    def hold(self, unit: Unit, name: str) -> None:
        """Take the lease of this name, which is no file's, for `unit`. Raises NotYet as `claim` does."""
        self._take(unit, name, Unit(unit.service))

    def _take(self, unit: Unit, name: str, start: Unit) -> None:
        lease = Lease(name, str(uuid4()))
        times = {"at": start.at, "expires_at": start.at + self._ttl}
        start.add(LEASE_CLAIM, name=lease.name, token=lease.token, **times, **_known_by(unit.origin))
        try:
            self._committer.commit(start)
        except Conflict:
            raise NotYet(f"another worker is at {name}") from None
        with self._lock:
            self._held.add(lease)
        unit.lease = lease

    def release_with(self, lease: Lease, unit: Unit) -> None:
        """Make the commit of `unit` conditional on the lease, and give it back by the same commit."""
        unit.add(LEASE_RELEASE, lease=lease.name, lease_token=lease.token)

    def forget(self, lease: Lease) -> None:
        """Renew it no longer."""
        with self._lock:
            self._held.discard(lease)

    def abandon(self, lease: Lease) -> None:
        """Give it back without a result, so that nobody has to wait until it expires."""
        self.forget(lease)
        unit = Unit("leases")
        unit.add(LEASE_ABANDON, lease=lease.name, lease_token=lease.token)
        self._committer.submit(unit)

    def turn(self) -> None:
        """Renew all leases that are held. Those that expire are refused when their work is committed.

        Raises DatabaseAway.
        """
        with self._lock:
            held = list(self._held)
        if not held:
            return
        unit = Unit("leases")
        for lease in held:
            unit.add(LEASE_RENEW, lease=lease.name, lease_token=lease.token, until=unit.at + self._ttl)
        self._committer.commit(unit)


def _known_by(origin: Origin | None) -> dict[str, str | None]:
    if origin is None:
        return {"queue": None, "handled_message": None, "handled_attempt": None}
    return {"queue": origin.queue, "handled_message": origin.message, "handled_attempt": origin.attempt}
