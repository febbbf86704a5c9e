"""Rows as values, and the few questions about files that most services ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, select

from shared.database.states import FileState
from shared.database.tables import checksums, files
from shared.database.types import FileUuid
from shared.identifiers import FileId, inbox_paths


class ChecksumSource(StrEnum):
    """Who computed a checksum, and over what."""

    UPLOADED = "uploaded"
    """by us, over the whole upload"""
    SUBMITTED = "submitted"
    """by the submitter, over the whole upload"""
    SUBMITTED_PLAIN = "submitted-plain"
    """by the submitter, over the plaintext"""
    ARCHIVED = "archived"
    """by us, over the body without its header"""
    PLAIN = "plain"
    """by us, over the plaintext"""
    BACKUP = "backup"
    """by us, over header and body as read back from the backup"""


@dataclass(frozen=True)
class File:
    """A row of `files`; see the table for the meaning of each column."""

    id: FileId
    user: str
    path: str
    state: FileState
    size: int | None
    inbox_location: str | None
    header: bytes | None
    key_fingerprint: str | None
    archive_location: str | None
    archive_size: int | None
    plain_size: int | None
    backup_location: str | None
    accession: str | None
    error: str | None
    registered_at: datetime
    changed_at: datetime


FILE_COLUMNS = [files.c[name] for name in File.__dataclass_fields__]
_BY_ID = select(*FILE_COLUMNS).where(files.c.id == bindparam("file", type_=FileUuid))
_BY_ACCESSION = select(*FILE_COLUMNS).where(files.c.accession == bindparam("accession"))
_BY_PATH = (
    select(*FILE_COLUMNS)
    .where(files.c.user == bindparam("user"), files.c.path == bindparam("path"), files.c.state != FileState.REGISTERED)
    # of several uploads under one name the one that is in the inbox counts, then the newest
    .order_by(files.c.inbox_location.is_(None), files.c.registered_at.desc())
    .limit(1)
)
_CHECKSUMS = select(checksums.c.source, checksums.c.algorithm, checksums.c.value).where(
    checksums.c.file_id == bindparam("file", type_=FileUuid)
)


def to_file(row: Sequence[Any]) -> File:
    """Make a File of the columns of `files` in the order of the dataclass."""
    values = dict(zip(File.__dataclass_fields__, row, strict=True))
    return File(**{**values, "state": FileState(values["state"])})


def _one(connection: Connection, query: Any, **values: object) -> File | None:  # noqa: ANN401 - any select
    row = connection.execute(query, values).one_or_none()
    return None if row is None else to_file(row)


def file_by_id(connection: Connection, file_id: FileId) -> File | None:
    """Return a file by its id."""
    return _one(connection, _BY_ID, file=file_id)


def file_by_accession(connection: Connection, accession: str) -> File | None:
    """Return the file that has this accession id."""
    return _one(connection, _BY_ACCESSION, accession=accession)


def file_by_path(connection: Connection, user: str, filepath: str) -> File | None:
    """Return the finished upload that a path in a message means."""
    found = (_one(connection, _BY_PATH, user=user, path=path) for path in inbox_paths(user, filepath))
    return next((file for file in found if file is not None), None)


def checksums_of(connection: Connection, file_id: FileId) -> dict[ChecksumSource, dict[str, str]]:
    """Return all known checksums of a file, by source and algorithm."""
    known: dict[ChecksumSource, dict[str, str]] = {}
    for source, algorithm, value in connection.execute(_CHECKSUMS, {"file": file_id}):
        known.setdefault(ChecksumSource(source), {})[algorithm] = value
    return known
