"""Named database operations about files."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, literal, select, tuple_

from shared.database.queue_tables import dead_letters
from shared.database.states import FileState
from shared.database.tables import dataset_files, events, files
from shared.database.types import FileUuid
from shared.identifiers import FileId

MOST = 500
"""Values in one IN list."""

_PAGE = 500

_DATASET = (
    select(dataset_files.c.dataset_id)
    .where(dataset_files.c.file_id == files.c.id)
    .order_by(dataset_files.c.added_at, dataset_files.c.dataset_id)
    .limit(1)
    .scalar_subquery()
)
_LISTED = select(
    files.c.id, files.c.user, files.c.path, files.c.state, files.c.size, files.c.accession,
    _DATASET.label("dataset"), files.c.error, files.c.registered_at, files.c.changed_at,
).order_by(files.c.user, files.c.path, files.c.id)  # fmt: skip
_UPLOADS = (
    select(files.c.id, files.c.path)
    .where(files.c.user == bindparam("owner"), files.c.state != FileState.REGISTERED)
    # of several uploads under one name the one that is in the inbox counts, then the newest
    .order_by(files.c.inbox_location.is_(None), files.c.registered_at.desc())
)
_DATASETS_OF = (
    select(dataset_files.c.dataset_id)
    .where(dataset_files.c.file_id == bindparam("file", type_=FileUuid))
    .order_by(dataset_files.c.added_at, dataset_files.c.dataset_id)
)
_TIMELINE = (
    select(events.c.at, events.c.service, events.c.event, events.c.reason)
    .where(events.c.file_id == bindparam("file", type_=FileUuid))
    .order_by(events.c.id)
)
_HELD_ACCESSIONS = select(files.c.accession).where(files.c.accession.in_(bindparam("values", expanding=True)))
_LAST_EVENT = select(func.max(events.c.id))
_LAST_DEAD = select(func.max(dead_letters.c.id))
_PRESENT = select(files.c.id, files.c.state, files.c.accession).where(
    files.c.id.in_(bindparam("values", type_=FileUuid, expanding=True))
)
_REFUSALS = select(events.c.file_id, events.c.reason).where(
    events.c.id > bindparam("after"),
    events.c.event == FileState.ERROR,
    events.c.file_id.in_(bindparam("values", type_=FileUuid, expanding=True)),
)
_BURIALS = select(dead_letters.c.correlation_id, dead_letters.c.id, dead_letters.c.reason).where(
    dead_letters.c.id > bindparam("after"), dead_letters.c.correlation_id.in_(bindparam("values", expanding=True))
)


@dataclass(frozen=True)
class Filter:
    """Which files are listed; None: all."""

    user: str | None = None
    state: FileState | None = None
    prefix: str | None = None

    def applied(self, query: Select[Any]) -> Select[Any]:
        """Narrow a query of files."""
        if self.user is not None:
            query = query.where(files.c.user == self.user)
        if self.state is not None:
            query = query.where(files.c.state == self.state.value)
        if self.prefix:
            query = query.where(func.substr(files.c.path, 1, len(self.prefix)) == self.prefix)
        return query


def listed_files(connection: Connection, chosen: Filter, limit: int | None) -> Iterator[dict[str, Any]]:
    """Yield files by user and path, page after page: a million of them are never in memory."""
    return islice(_pages(connection, chosen.applied(_LISTED)), limit)


def _pages(connection: Connection, query: Select[Any]) -> Iterator[dict[str, Any]]:
    page = connection.execute(query.limit(_PAGE)).all()
    while page:
        yield from (row._asdict() for row in page)
        behind = query.where(_behind(page[-1]))
        page = connection.execute(behind.limit(_PAGE)).all() if len(page) == _PAGE else []


def _behind(last: Any) -> Any:  # noqa: ANN401 - a row, and a condition of SQLAlchemy
    place = tuple_(files.c.user, files.c.path, files.c.id)
    return place > tuple_(literal(last.user), literal(last.path), literal(last.id, FileUuid))


def uploads_at(connection: Connection, user: str, paths: Sequence[str]) -> dict[str, FileId]:
    """Return the current finished uploads of a user that have one of these paths."""
    return _by_path(connection.execute(_UPLOADS.where(files.c.path.in_(paths)), {"owner": user}))


def uploads_of(connection: Connection, user: str) -> dict[str, FileId]:
    """Return the current finished uploads of a user, by path."""
    return _by_path(connection.execute(_UPLOADS, {"owner": user}))


def _by_path(rows: Iterable[Any]) -> dict[str, FileId]:
    found: dict[str, FileId] = {}
    for row in rows:
        found.setdefault(row.path, FileId(row.id))
    return found


def datasets_of(connection: Connection, file: FileId) -> list[str]:
    """Return the datasets that a file is in."""
    return list(connection.scalars(_DATASETS_OF, {"file": file}))


def timeline(connection: Connection, file: FileId) -> list[dict[str, Any]]:
    """Return all that happened to a file."""
    return [row._asdict() for row in connection.execute(_TIMELINE, {"file": file})]


def held_accessions(connection: Connection, accessions: Sequence[str]) -> set[str]:
    """Return those of the accession ids that files have."""
    return {
        str(found) for part in _parts(accessions) for found in connection.scalars(_HELD_ACCESSIONS, {"values": part})
    }


@dataclass(frozen=True)
class Mark:
    """A place in the record of what happened; what comes after it is news."""

    event: int
    dead: int


@dataclass(frozen=True)
class Progress:
    """How far a file has come; `refused` says why it will come no further, if so."""

    id: FileId
    state: FileState
    accession: str | None
    refused: str | None


def mark(connection: Connection) -> Mark:
    """Return the present end of the record."""
    return Mark(event=connection.scalar(_LAST_EVENT) or 0, dead=connection.scalar(_LAST_DEAD) or 0)


def progress(connection: Connection, ids: Iterable[FileId], since: Mark) -> list[Progress]:
    """Return how far files have come, and what was refused since the mark."""
    return [found for part in _parts(ids) for found in _progress(connection, part, since)]


def _progress(connection: Connection, ids: list[str], since: Mark) -> list[Progress]:
    refused = {
        row.correlation_id: f"{row.reason} (dead letter {row.id})"
        for row in connection.execute(_BURIALS, {"after": since.dead, "values": ids})
    }
    for row in connection.execute(_REFUSALS, {"after": since.event, "values": ids}):
        refused[row.file_id] = row.reason or "refused"
    return [
        Progress(FileId(row.id), FileState(row.state), row.accession, refused.get(row.id))
        for row in connection.execute(_PRESENT, {"values": ids})
    ]


def _parts(values: Iterable[str]) -> Iterator[list[str]]:
    unique = list(dict.fromkeys(values))
    return (unique[start : start + MOST] for start in range(0, len(unique), MOST))
