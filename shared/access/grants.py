"""What a reader may read: files that are ready, in released datasets that were granted to them and whose grant lasts.

A grant is a row of the table `grants`, or a visa that the reader has shown (shared/access/visas.py); the decision is
their union, plus the reader's own submissions where the node says so. Denied, unreleased, deprecated, unknown: one
question each decides, and nobody can tell these apart by its answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select

from shared.access.questions import (
    BESIDE,
    BY_ACCESSION,
    BY_EITHER_ID,
    BY_ID,
    BY_PATH,
    DATASET,
    DATASETS,
    FILES,
    FILES_AT_PATH,
    FILES_BELOW,
    SUMMARY,
)
from shared.database.collation import LAST
from shared.database.reading import AsyncReads
from shared.database.types import now
from shared.identifiers import NO_FILE, AccessionId, DatasetId, FileId, parse_file_id

_MOST_BESIDE = 20


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


def file_for(connection: Connection, reader: Reader, file: FileId) -> ReadableFile | None:
    """Return a file, on a thread that may wait; None: it may not be read."""
    row = connection.execute(BY_ID, {**_asked_by(reader), "file": file}).one_or_none()
    return None if row is None else ReadableFile._make(row)


def files_for(
    connection: Connection, reader: Reader, name: DatasetId, *, after: FileId, count: int
) -> list[ListedFile] | None:
    """Return files of a dataset as `Grants.files` does, on a thread that may wait; None: it may not be read."""
    row = connection.execute(DATASET, {**_asked_by(reader), "dataset": name}).one_or_none()
    if row is None:
        return None
    values = _listed(reader, ReadableDataset(row[0], row[1], bool(row[2])))
    rows = connection.execute(FILES, {**values, "after": after, "count": count})
    return [ListedFile._make(row) for row in rows]


class Grants:
    """Asks what a reader may read. Every method raises DatabaseAway."""

    def __init__(self, reads: AsyncReads) -> None:
        self._reads = reads

    async def file(self, reader: Reader, name: str) -> ReadableFile | None:
        """Return the file with this file id or accession id; None: it may not be read."""
        file = parse_file_id(name)
        if file is None:
            return await self._file(BY_ACCESSION, reader, name, {"name": name})
        return await self._file(BY_EITHER_ID, reader, name, {"name": name, "file": file})

    async def file_at(self, reader: Reader, dataset: str, path: str) -> ReadableFile | None:
        """Return the newest file at a path of a dataset; None: it may not be read."""
        return await self._file(BY_PATH, reader, dataset + path, {"dataset": dataset, "path": path})

    async def beside(self, reader: Reader, file: ReadableFile, paths: Sequence[str]) -> ReadableFile | None:
        """Return the file at the first of these paths that belongs to a file: of a dataset that both are in.

        Of the same submitter, and the newest at its path. None: there is none that may be read.
        """
        values = {"file": file.id, "paths": list(paths), "count": _MOST_BESIDE}
        rows = await self._reads.rows(BESIDE, {**_asked_by(reader), **values})
        found = [ReadableFile._make(row) for row in rows]
        return min(found, key=lambda other: paths.index(other.path), default=None)

    async def datasets(self, reader: Reader, *, after: str, count: int) -> list[DatasetId]:
        """Return the datasets that may be read, at most `count` of those whose ids sort behind `after`."""
        rows = await self._reads.rows(DATASETS, {**_asked_by(reader), "after": after, "count": count})
        return [DatasetId(name) for (name,) in rows]

    async def dataset(self, reader: Reader, name: str) -> ReadableDataset | None:
        """Return a dataset; None: it may not be read."""
        if not _askable(name):
            return None
        rows = await self._reads.rows(DATASET, {**_asked_by(reader), "dataset": name})
        return ReadableDataset(rows[0][0], rows[0][1], bool(rows[0][2])) if rows else None

    async def summary(self, reader: Reader, dataset: ReadableDataset) -> Summary:
        """Return count and size of the files of a dataset."""
        (row,) = await self._reads.rows(SUMMARY, _listed(reader, dataset))
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
        question = FILES
        if path is not None:
            question, values["path"] = FILES_AT_PATH, path
        rows = await self._reads.rows(question, values)
        return [ListedFile._make(row) for row in rows]

    async def files_below(
        self, reader: Reader, dataset: ReadableDataset, prefix: str, *, after: tuple[str, FileId] | None, count: int
    ) -> list[ListedFile]:
        """Return at most `count` files whose path starts so, and sorts (with the id, by bytes) behind `after`."""
        path, file = after or (prefix, NO_FILE)
        values = {"behind": prefix + LAST, "after_path": path, "after": file, "count": count}
        rows = await self._reads.rows(FILES_BELOW, {**_listed(reader, dataset), **values})
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
