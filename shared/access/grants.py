"""What a user may read: files that are ready, in released datasets that were granted to them and whose grant lasts.

Denied, unreleased, deprecated, unknown: one query each decides, and nobody can tell these apart by its answer.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, exists, func, join, or_, select

from shared.database.records import ChecksumSource
from shared.database.states import DatasetState, FileState
from shared.database.tables import checksums, dataset_files, datasets, files, grants
from shared.database.types import FileUuid, UtcDateTime, now
from shared.identifiers import AccessionId, DatasetId, FileId, parse_file_id

_NO_FILE = FileId("00000000-0000-0000-0000-000000000000")
"""Sorts before all files."""


class ListedFile(NamedTuple):
    """A file as a list shows it; sizes in bytes, `archive_size` that of the body."""

    id: FileId
    accession: AccessionId | None
    path: str
    archive_size: int
    plain_size: int | None


class ReadableFile(NamedTuple):
    """A file that may be read: its header as uploaded, size and SHA-256 (if known) of its body."""

    id: FileId
    path: str
    header: bytes
    archive_size: int
    archived_sha256: str | None


def _is_readable() -> Any:  # noqa: ANN401 - a condition
    at = bindparam("at", type_=UtcDateTime())
    return and_(
        grants.c.user == bindparam("user"),
        or_(grants.c.until.is_(None), grants.c.until > at),
        datasets.c.state == DatasetState.RELEASED.value,
    )


_GRANTED = join(datasets, grants, grants.c.dataset_id == datasets.c.id)
_IS_THERE = and_(files.c.state == FileState.READY.value, files.c.header.is_not(None), files.c.archive_size.is_not(None))

_DATASETS = (
    select(datasets.c.id)
    .select_from(_GRANTED)
    .where(_is_readable(), datasets.c.id > bindparam("after"))
    .order_by(datasets.c.id)
    .limit(bindparam("count"))
)
_FILES = (
    # a dataset that may be read gives at least one row, without a file if it has none behind `after`
    select(files.c.id, files.c.accession, files.c.path, files.c.archive_size, files.c.plain_size)
    .select_from(
        _GRANTED.outerjoin(
            join(dataset_files, files, and_(files.c.id == dataset_files.c.file_id, _IS_THERE)),
            and_(
                dataset_files.c.dataset_id == datasets.c.id,
                dataset_files.c.file_id > bindparam("after", type_=FileUuid),
            ),
        )
    )
    .where(_is_readable(), datasets.c.id == bindparam("dataset"))
    .order_by(files.c.id)
    .limit(bindparam("count"))
)
_IS_NAMED = files.c.id == bindparam("file", type_=FileUuid)
_FILE = (
    select(
        files.c.id,
        files.c.path,
        files.c.header,
        files.c.archive_size,
        select(func.max(checksums.c.value))
        .where(
            checksums.c.file_id == files.c.id,
            checksums.c.source == ChecksumSource.ARCHIVED.value,
            checksums.c.algorithm == "sha256",
        )
        .scalar_subquery(),
    )
    .where(
        or_(_IS_NAMED, files.c.accession == bindparam("name")),
        _IS_THERE,
        exists()
        .select_from(_GRANTED.join(dataset_files, dataset_files.c.dataset_id == datasets.c.id))
        .where(dataset_files.c.file_id == files.c.id, _is_readable())
        .correlate(files),
    )
    # should an accession id be another file's id
    .order_by(_IS_NAMED.desc())
    .limit(1)
)
_PLAIN_CHECKSUMS = (
    select(checksums.c.file_id, checksums.c.algorithm, checksums.c.value)
    .where(
        checksums.c.source == ChecksumSource.PLAIN.value,
        checksums.c.file_id.in_(bindparam("files", type_=FileUuid, expanding=True)),
    )
    .order_by(checksums.c.algorithm.desc())
)


def readable_datasets(connection: Connection, user: str, *, after: str, count: int) -> list[DatasetId]:
    """Return the datasets that a user may read, at most `count` of those whose ids sort behind `after`."""
    values = {"user": user, "at": now(), "after": after, "count": count}
    return [DatasetId(name) for (name,) in connection.execute(_DATASETS, values)]


def readable_files(
    connection: Connection, user: str, dataset: str, *, after: FileId | None, count: int
) -> list[ListedFile] | None:
    """Return at most `count` files of a dataset, of those whose ids sort behind `after`; None: it may not be read."""
    values = {"user": user, "at": now(), "dataset": dataset, "after": after or _NO_FILE, "count": count}
    rows = _askable(dataset) and connection.execute(_FILES, values).all()
    if not rows:
        return None
    return [ListedFile._make(row) for row in rows if row[0] is not None]


def readable_file(connection: Connection, user: str, name: str) -> ReadableFile | None:
    """Return the file with this file id or accession id; None: it may not be read."""
    values = {"user": user, "at": now(), "name": name, "file": parse_file_id(name) or _NO_FILE}
    row = connection.execute(_FILE, values).first() if _askable(name) else None
    return None if row is None else ReadableFile._make(row)


def plain_checksums(connection: Connection, file_ids: Sequence[FileId]) -> dict[FileId, dict[str, str]]:
    """Return the checksums of the plaintext of several files, by file and algorithm."""
    found: dict[FileId, dict[str, str]] = {file: {} for file in file_ids}
    for file, algorithm, value in connection.execute(_PLAIN_CHECKSUMS, {"files": list(file_ids)}):
        found[file][algorithm] = value
    return found


def _askable(name: str) -> bool:
    """Tell whether a database takes this as text: PostgreSQL refuses NUL."""
    return name.isprintable()
