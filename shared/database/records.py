"""Rows as values, and the few questions about files that most services ask."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from shared.database.queue_tables import sidecars
from shared.database.states import FileState
from shared.database.tables import checksums, files
from shared.database.types import FileUuid
from shared.errors import MessageRefused
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


SIDECAR_ALGORITHMS = ("sha256", "md5")
"""Endings of the files in which submitters give checksums."""


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
_SIDECARS = select(sidecars.c.path, sidecars.c.value).where(
    sidecars.c.user == bindparam("user"), sidecars.c.path.in_(bindparam("paths", expanding=True))
)
_CHECKSUMS = select(checksums.c.source, checksums.c.algorithm, checksums.c.value).where(
    checksums.c.file_id == bindparam("file", type_=FileUuid)
)


def to_file(row: Row[Any]) -> File:
    """Make a File of a row that has the columns of `files` in the order of the dataclass."""
    values = row._asdict()
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


def file_of_message(connection: Connection, file_id: FileId | None, user: str, filepath: str) -> File:
    """Return the file that a message is about: by its correlation id, or by user and path if that is none of ours.

    Raises MessageRefused if there is no such file, or if the correlation id is that of another user's file.
    """
    file = None if file_id is None else file_by_id(connection, file_id)
    if file is None:
        file = file_by_path(connection, user, filepath)
    if file is None:
        raise MessageRefused("the inbox of this user has no such file: upload it, or correct user and path")
    if file.user != user:
        raise MessageRefused("the correlation id belongs to a file of another user")
    return file


def checksums_of(connection: Connection, file_id: FileId) -> dict[ChecksumSource, dict[str, str]]:
    """Return all known checksums of a file, by source and algorithm."""
    known: dict[ChecksumSource, dict[str, str]] = {}
    for source, algorithm, value in connection.execute(_CHECKSUMS, {"file": file_id}):
        known.setdefault(ChecksumSource(source), {})[algorithm] = value
    return known


def all_checksums(connection: Connection, file: File) -> dict[ChecksumSource, dict[str, str]]:
    """Return all known checksums of a file, with those that the submitter uploaded in files beside it.

    `a.c4gh.sha256` is taken over the upload `a.c4gh`, and `a.sha256` over its plaintext. What a message said counts
    for less than such a file, which the submitter may have corrected.
    """
    known = checksums_of(connection, file.id)
    meaning = dict(_sidecar_paths(file.path))
    for path, value in connection.execute(_SIDECARS, {"user": file.user, "paths": list(meaning)}):
        source, algorithm = meaning[path]
        known.setdefault(source, {})[algorithm] = value
    return known


def _sidecar_paths(path: str) -> Iterator[tuple[str, tuple[ChecksumSource, str]]]:
    for algorithm in SIDECAR_ALGORITHMS:
        yield f"{path}.{algorithm}", (ChecksumSource.SUBMITTED, algorithm)
        if path.endswith(".c4gh"):
            yield f"{path.removesuffix('.c4gh')}.{algorithm}", (ChecksumSource.SUBMITTED_PLAIN, algorithm)
