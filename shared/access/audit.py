"""Who was given what, and who was refused: records that are added, never changed, and chained by digests.

Each record's digest is taken over the digest before it and its own content: nobody can change, remove or slip in one
without making all later digests wrong. Whoever could make them all anew can be found out by a digest that was noted
elsewhere, so the newest one is logged every hour and at the end (ADR 16).
"""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Connection, bindparam, insert, select, text

from shared.access.metrics import AUDITED
from shared.database.bulk import insert_many
from shared.database.engine import Conflict, Database, DatabaseAway
from shared.database.sets import Values
from shared.database.statements import Statement
from shared.database.tables import audit, events
from shared.database.types import now, storable
from shared.identifiers import FileId
from shared.lifecycle import Repeating

log = structlog.get_logger(__name__)

START = "0" * 64
"""Stands for the digest before the first record."""
BATCH = 500
FLUSH_SECONDS = 0.1
MOST_WAITING = 20_000
"""With more records waiting than this, nothing is given out any more."""
STARTED = "started"
"""The outcome of what has not ended within a second: should the process be killed, it is on record all the same."""

_STARTED_SECONDS = 1.0
_WITNESS_SECONDS = 3600.0
_PAGE = 1000
_LOCK = 7_203_114_550_918_146
_LONGEST_TARGET = 500

_NEWEST = select(audit.c.number, audit.c.digest).order_by(audit.c.number.desc()).limit(1)
_BEHIND = select(audit).where(audit.c.number > bindparam("after")).order_by(audit.c.number).limit(_PAGE)


@dataclass(frozen=True, kw_only=True)
class Access:
    """What someone asked for. target: as it was asked for. reader_key: public key that a header was sealed for."""

    service: str
    user: str
    action: str
    target: str
    file: FileId | None = None
    reader_key: str | None = None
    correlation_id: str | None = None


class Record(NamedTuple):
    """An access and how it ended, with the bytes that were really sent; `event`: what happened to the file by it."""

    access: Access
    outcome: str
    sent: int
    at: datetime
    event: str | None = None


class AuditLog(Repeating):
    """A part of a process that writes records, many in one transaction; nobody waits for it."""

    def __init__(self, database: Database, *, flush_seconds: float = FLUSH_SECONDS) -> None:
        super().__init__("audit", seconds=flush_seconds)
        self._database = database
        self._waiting: list[Record] = []
        self._under_way: dict[int, tuple[float, Access]] = {}
        self._witnessed = time.monotonic()
        self._newest = (0, START)

    @property
    def full(self) -> bool:
        """Whether so many records wait for the database that nothing more may be given out."""
        return len(self._waiting) > MOST_WAITING

    def begin(self, access: Access) -> None:
        """Note an access that is allowed; the record is made when it ends, or soon if that takes long."""
        self._under_way[id(access)] = time.monotonic(), access

    def end(self, access: Access, outcome: str, *, sent: int = 0, event: str | None = None) -> None:
        """Record how an access ended; `access` is the very object that began, or one that never did."""
        self._under_way.pop(id(access), None)
        self._waiting.append(Record(access, outcome, sent, now(), event))

    def stop(self) -> None:
        """Write what waits, then end."""
        super().stop()
        self.turn()
        self._bear_witness()

    def turn(self) -> None:
        """Write what waits; what the database does not take stays, and is tried again.

        What comes meanwhile waits for the next turn: else every few records would make a transaction of their own.
        """
        self._note_long_ones()
        try:
            self._write(len(self._waiting))
        except (DatabaseAway, Conflict) as error:
            log.warning("audit_not_written", waiting=len(self._waiting), error=type(error).__name__)
        if time.monotonic() - self._witnessed > _WITNESS_SECONDS:
            self._bear_witness()

    def _write(self, count: int) -> None:
        while batch := self._waiting[: min(count, BATCH)]:
            with self._database.write() as connection:
                self._newest = append(connection, batch)
            del self._waiting[: len(batch)]
            AUDITED.inc(len(batch))
            count -= len(batch)

    def _note_long_ones(self) -> None:
        old = time.monotonic() - _STARTED_SECONDS
        for key, (began, access) in list(self._under_way.items()):
            if began < old and self._under_way.pop(key, None) is not None:
                self._waiting.append(Record(access, STARTED, 0, now()))

    def _bear_witness(self) -> None:
        """Write the newest digest where others keep it."""
        self._witnessed = time.monotonic()
        number, digest = self._newest
        if number:
            log.info("audit_witness", number=number, digest=digest)


def append(connection: Connection, records: Sequence[Record]) -> tuple[int, str]:
    """Add records to the chain; return the number and digest of the last. One transaction at a time can do this."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    number, digest = newest(connection)
    rows = []
    for record in records:
        number += 1
        row = _row(number, record)
        digest = chained(digest, row)
        rows.append({**row, "digest": digest})
    insert_many(connection, audit, rows)
    happened = [_event(record) for record in records if record.event is not None]
    if happened:
        insert_many(connection, events, happened)
    return number, digest


class _Append(Statement):
    """Adds records to the chain, each as `record`, in the transaction of a unit of work."""

    def run(self, connection: Connection, values: Values) -> int:
        append(connection, [row["record"] for row in values])
        AUDITED.inc(len(values))
        return len(values)


AUDIT = _Append(45, insert(audit))


def newest(connection: Connection) -> tuple[int, str]:
    """Return number and digest of the newest record."""
    row = connection.execute(_NEWEST).one_or_none()
    return (0, START) if row is None else (row.number, row.digest)


def chained(before: str, row: dict[str, Any]) -> str:
    """Return the digest of a record: SHA-256 over the digest before it and its columns as JSON, in their order."""
    values = [row[column.name] for column in audit.c if column.name != "digest"]
    content = json.dumps([v.isoformat() if isinstance(v, datetime) else v for v in values], separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{content}".encode()).hexdigest()


class BrokenChain(NamedTuple):
    """The first record that does not fit to those before it."""

    number: int


class WholeChain(NamedTuple):
    """Number and digest of the newest record; `witnessed`: the digest that was noted, if one was, is in the record."""

    number: int
    digest: str
    witnessed: bool


def check_chain(connection: Connection, *, witness: str | None = None) -> BrokenChain | WholeChain:
    """Compute all digests anew; `witness` is a digest that was noted before."""
    number, digest, witnessed = 0, START, witness is None
    for row in _records(connection):
        number += 1
        if row["number"] != number or chained(digest, row) != row["digest"]:
            return BrokenChain(number)
        digest = row["digest"]
        witnessed = witnessed or digest == witness
    return WholeChain(number, digest, witnessed)


def _records(connection: Connection) -> Iterator[dict[str, Any]]:
    after = 0
    while rows := connection.execute(_BEHIND, {"after": after}).all():
        yield from (dict(row._mapping) for row in rows)
        after = rows[-1].number


def _row(number: int, record: Record) -> dict[str, Any]:
    access = record.access
    return {
        "number": number,
        "at": record.at,
        "service": access.service,
        "user": access.user,
        "action": access.action,
        "target": storable(access.target[:_LONGEST_TARGET]),
        "file_id": access.file,
        "outcome": record.outcome,
        "bytes": record.sent,
        "reader_key": access.reader_key,
        "correlation_id": access.correlation_id,
    }


def _event(record: Record) -> dict[str, Any]:
    return {
        "file_id": record.access.file,
        "event": record.event,
        "service": record.access.service,
        "reason": f"{record.sent} bytes",
        "at": record.at,
    }
