"""What a reader may read: files that are ready, in released datasets that were granted to them and whose grant lasts.

A grant is a row of the table `grants`, or a visa that the reader has shown (shared/access/visas.py); the decision is
their union, plus the reader's own submissions where the node says so. Denied, unreleased, deprecated, unknown: one
question each decides, and nobody can tell these apart by its answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    case,
    exists,
    func,
    join,
    literal,
    or_,
    select,
    tuple_,
)

from shared.database.arrays import TextArray, is_among
from shared.database.collation import LAST, in_bytes
from shared.database.reading import AsyncReads
from shared.database.records import ChecksumSource
from shared.database.states import DatasetState, FileState
from shared.database.tables import checksums, dataset_files, datasets, files, grants
from shared.database.types import FileUuid, UtcDateTime, now
from shared.identifiers import NO_FILE, AccessionId, DatasetId, FileId, parse_file_id


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Someone who asks, and what they have shown.

    visas: ids of datasets for which they have a valid visa. owner: their name if they may read what they submitted,
    else empty. until: when to ask anew who they are; visas_until: when the first of the visas ends; in seconds of the
    epoch.
    """

    user: str
    visas: tuple[str, ...] = ()
    owner: str = ""
    until: float = 0
    visas_until: float = 0


class ReadableFile(NamedTuple):
    """A file that may be read: its header as uploaded, sizes of body and plaintext, SHA-256 (if known) of the body."""

    id: FileId
    accession: AccessionId | None
    path: str
    header: bytes
    archive_size: int
    plain_size: int | None
    registered_at: datetime
    archived_sha256: str | None


class ListedFile(NamedTuple):
    """A file as a list shows it; sizes in bytes, `archive_size` that of the body, checksums of the plaintext."""

    id: FileId
    accession: AccessionId | None
    path: str
    archive_size: int
    plain_size: int | None
    sha256: str | None
    md5: str | None


class ReadableDataset(NamedTuple):
    """A dataset that may be read: all of it, or (`whole` is false) what the reader has submitted to it."""

    id: DatasetId
    changed_at: datetime
    whole: bool


class Summary(NamedTuple):
    """How many files, and bytes of bodies, of a dataset may be read."""

    files: int
    size: int


def _granted() -> ColumnElement[bool]:
    """Whether the dataset at hand is granted to the reader."""
    at = bindparam("at", type_=UtcDateTime())
    row = exists().where(
        grants.c.user == bindparam("user"),
        grants.c.dataset_id == datasets.c.id,
        or_(grants.c.until.is_(None), grants.c.until > at),
    )
    return or_(row.correlate(datasets), is_among(datasets.c.id, bindparam("visas", type_=TextArray())))


def _checksum(source: ChecksumSource, algorithm: str) -> ColumnElement[str | None]:
    found = select(func.max(checksums.c.value)).where(
        checksums.c.file_id == files.c.id,
        checksums.c.source == source.value,
        checksums.c.algorithm == algorithm,
    )
    return found.scalar_subquery()


_OWNER: ColumnElement[str] = bindparam("owner", type_=Text())
_RELEASED = datasets.c.state == DatasetState.RELEASED.value
_IS_THERE = and_(files.c.state == FileState.READY.value, files.c.header.is_not(None), files.c.archive_size.is_not(None))
_OWN_DATASETS = (
    select(dataset_files.c.dataset_id)
    .select_from(join(files, dataset_files, dataset_files.c.file_id == files.c.id))
    .where(files.c.user == _OWNER)
)
_IS_OWN_DATASET = and_(literal("") != _OWNER, datasets.c.id.in_(_OWN_DATASETS))

_DATASETS = (
    select(datasets.c.id)
    .where(_RELEASED, datasets.c.id > bindparam("after"), or_(_granted(), _IS_OWN_DATASET))
    .order_by(datasets.c.id)
    .limit(bindparam("count", type_=Integer()))
)
_DATASET = select(datasets.c.id, datasets.c.changed_at, case((_granted(), 1), else_=0)).where(
    _RELEASED, datasets.c.id == bindparam("dataset"), or_(_granted(), _IS_OWN_DATASET)
)

_LISTED = (
    select(
        files.c.id,
        files.c.accession,
        files.c.path,
        files.c.archive_size,
        files.c.plain_size,
        _checksum(ChecksumSource.PLAIN, "sha256"),
        _checksum(ChecksumSource.PLAIN, "md5"),
    )
    .select_from(join(dataset_files, files, files.c.id == dataset_files.c.file_id))
    .where(
        dataset_files.c.dataset_id == bindparam("dataset"),
        _IS_THERE,
        or_(bindparam("whole", type_=Integer()) == 1, files.c.user == _OWNER),
    )
)
_FILES = (
    _LISTED.where(dataset_files.c.file_id > bindparam("after", type_=FileUuid))
    .order_by(dataset_files.c.file_id)
    .limit(bindparam("count", type_=Integer()))
)
_PATH = in_bytes(files.c.path)
_IS_AT_PATH = bindparam("path", type_=Text()) == _PATH
_FILES_AT_PATH = _FILES.where(_IS_AT_PATH)
# by path and not by id, so that the index on paths gives a page without looking at other files
_FILES_BELOW = (
    _LISTED.where(
        bindparam("behind", type_=Text()) > _PATH,
        tuple_(_PATH, files.c.id) > tuple_(bindparam("after_path", type_=Text()), bindparam("after", type_=FileUuid)),
    )
    .order_by(_PATH, files.c.id)
    .limit(bindparam("count", type_=Integer()))
)
_SUMMARY = _LISTED.with_only_columns(func.count(), func.coalesce(func.sum(files.c.archive_size), 0))


def _readable_file(named: ColumnElement[bool], *in_dataset: ColumnElement[bool]) -> Select[Any]:
    may_read = (
        exists()
        .select_from(join(dataset_files, datasets, datasets.c.id == dataset_files.c.dataset_id))
        .where(
            dataset_files.c.file_id == files.c.id,
            _RELEASED,
            *in_dataset,
            or_(_granted(), files.c.user == _OWNER),
        )
        .correlate(files)
    )
    return select(
        files.c.id,
        files.c.accession,
        files.c.path,
        files.c.header,
        files.c.archive_size,
        files.c.plain_size,
        files.c.registered_at,
        _checksum(ChecksumSource.ARCHIVED, "sha256"),
    ).where(named, _IS_THERE, may_read)


_IS_FILE = files.c.id == bindparam("file", type_=FileUuid)
_IS_ACCESSION = files.c.accession == bindparam("name")
_BY_ID = _readable_file(_IS_FILE)
_BY_ACCESSION = _readable_file(_IS_ACCESSION).limit(1)
# should an accession id be another file's id
_BY_EITHER_ID = _readable_file(or_(_IS_FILE, _IS_ACCESSION)).order_by(_IS_FILE.desc()).limit(1)
_BY_PATH = (
    _readable_file(_IS_AT_PATH, datasets.c.id == bindparam("dataset")).order_by(files.c.registered_at.desc()).limit(1)
)


def file_for(connection: Connection, reader: Reader, file: FileId) -> ReadableFile | None:
    """Return a file, on a thread that may wait; None: it may not be read."""
    row = connection.execute(_BY_ID, {**_asked_by(reader), "file": file}).one_or_none()
    return None if row is None else ReadableFile._make(row)


def files_for(
    connection: Connection, reader: Reader, name: DatasetId, *, after: FileId, count: int
) -> list[ListedFile] | None:
    """Return files of a dataset as `Grants.files` does, on a thread that may wait; None: it may not be read."""
    row = connection.execute(_DATASET, {**_asked_by(reader), "dataset": name}).one_or_none()
    if row is None:
        return None
    values = _listed(reader, ReadableDataset(row[0], row[1], bool(row[2])))
    rows = connection.execute(_FILES, {**values, "after": after, "count": count})
    return [ListedFile._make(row) for row in rows]


class Grants:
    """Asks what a reader may read. Every method raises DatabaseAway."""

    def __init__(self, reads: AsyncReads) -> None:
        self._reads = reads

    async def file(self, reader: Reader, name: str) -> ReadableFile | None:
        """Return the file with this file id or accession id; None: it may not be read."""
        file = parse_file_id(name)
        if file is None:
            return await self._file(_BY_ACCESSION, reader, name, {"name": name})
        return await self._file(_BY_EITHER_ID, reader, name, {"name": name, "file": file})

    async def file_at(self, reader: Reader, dataset: str, path: str) -> ReadableFile | None:
        """Return the newest file at a path of a dataset; None: it may not be read."""
        return await self._file(_BY_PATH, reader, dataset + path, {"dataset": dataset, "path": path})

    async def datasets(self, reader: Reader, *, after: str, count: int) -> list[DatasetId]:
        """Return the datasets that may be read, at most `count` of those whose ids sort behind `after`."""
        rows = await self._reads.rows(_DATASETS, {**_asked_by(reader), "after": after, "count": count})
        return [DatasetId(name) for (name,) in rows]

    async def dataset(self, reader: Reader, name: str) -> ReadableDataset | None:
        """Return a dataset; None: it may not be read."""
        if not _askable(name):
            return None
        rows = await self._reads.rows(_DATASET, {**_asked_by(reader), "dataset": name})
        return ReadableDataset(rows[0][0], rows[0][1], bool(rows[0][2])) if rows else None

    async def summary(self, reader: Reader, dataset: ReadableDataset) -> Summary:
        """Return count and size of the files of a dataset."""
        (row,) = await self._reads.rows(_SUMMARY, _listed(reader, dataset))
        return Summary(int(row[0]), int(row[1]))

    async def files(
        self,
        reader: Reader,
        dataset: ReadableDataset,
        *,
        after: FileId | None,
        count: int,
        path: str | None = None,
    ) -> list[ListedFile]:
        """Return at most `count` files of a dataset whose ids sort behind `after`; `path`: only those at this path."""
        values = {**_listed(reader, dataset), "after": after or NO_FILE, "count": count}
        question = _FILES
        if path is not None:
            question, values["path"] = _FILES_AT_PATH, path
        rows = await self._reads.rows(question, values)
        return [ListedFile._make(row) for row in rows]

    async def files_below(
        self, reader: Reader, dataset: ReadableDataset, prefix: str, *, after: tuple[str, FileId] | None, count: int
    ) -> list[ListedFile]:
        """Return at most `count` files whose path starts so, and sorts (with the id, by bytes) behind `after`."""
        path, file = after or (prefix, NO_FILE)
        values = {"behind": prefix + LAST, "after_path": path, "after": file, "count": count}
        rows = await self._reads.rows(_FILES_BELOW, {**_listed(reader, dataset), **values})
        return [ListedFile._make(row) for row in rows]

    async def _file(
        self, question: Select[Any], reader: Reader, text: str, named: Mapping[str, Any]
    ) -> ReadableFile | None:
        rows = await self._reads.rows(question, {**_asked_by(reader), **named}) if _askable(text) else ()
        return ReadableFile._make(rows[0]) if rows else None


def _asked_by(reader: Reader) -> dict[str, Any]:
    return {"user": reader.user, "visas": list(reader.visas), "owner": reader.owner, "at": now()}


def _listed(reader: Reader, dataset: ReadableDataset) -> dict[str, Any]:
    return {"dataset": dataset.id, "whole": int(dataset.whole), "owner": reader.owner}


def _askable(name: str) -> bool:
    """Tell whether a database takes this as text: PostgreSQL refuses NUL."""
    return name.isprintable()
