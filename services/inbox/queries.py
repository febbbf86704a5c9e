"""The inbox's questions to the database, one sentence each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, bindparam, exists, func, select

from shared.database.queue_tables import folders, sidecars, uploads
from shared.database.records import FILE_COLUMNS, File, to_file
from shared.database.states import FileState
from shared.database.tables import files
from shared.database.types import FileUuid, UtcDateTime

_IN_INBOX = files.c.inbox_location.is_not(None)


class Protocol(StrEnum):
    """How an upload comes. One by SFTP hides the file it is going to replace; one by S3 shows when it is whole."""

    SFTP = "sftp"
    S3 = "s3"


@dataclass(frozen=True)
class Unfinished:
    """An upload that has begun: its file (state `registered`), its upload id in the store, when it last went on."""

    file: File
    upload_id: str | None
    touched_at: datetime
    protocol: Protocol = Protocol.SFTP

    @property
    def resumable(self) -> bool:
        """Whether its client can go on with it: not with one that comes by S3 in one piece."""
        return self.protocol is Protocol.SFTP or self.upload_id is not None


@dataclass(frozen=True)
class Sidecar:
    """A checksum file; it lives in the database alone."""

    path: str
    algorithm: str
    value: str
    size: int
    at: datetime


@dataclass(frozen=True)
class Folder:
    """A folder; `made_at` is None for one that exists only because something is in it."""

    path: str
    made_at: datetime | None


def _at(table: Table) -> tuple[ColumnElement[bool], ...]:
    return table.c.user == bindparam("owner"), table.c.path == bindparam("at_path")


def _below(table: Table) -> tuple[ColumnElement[bool], ...]:
    # not LIKE: paths hold % and _, and SQLite's LIKE does not tell a from A
    beginning = func.substr(table.c.path, 1, func.length(bindparam("prefix")))
    return table.c.user == bindparam("owner"), beginning == bindparam("prefix")


def _unfinished() -> Select[Any]:
    rows = select(*FILE_COLUMNS, uploads.c.upload_id, uploads.c.touched_at, uploads.c.protocol).join(
        uploads, uploads.c.file_id == files.c.id
    )
    return rows.where(files.c.state == FileState.REGISTERED)


def _unfinished_by_sftp() -> Select[Any]:
    return _unfinished().where(uploads.c.protocol == Protocol.SFTP)


_SIDECAR = [sidecars.c[name] for name in Sidecar.__dataclass_fields__]
_FOLDER = [folders.c.path, folders.c.made_at]
_CURRENT = select(*FILE_COLUMNS).where(*_at(files), _IN_INBOX)
_CURRENT_BELOW = select(*FILE_COLUMNS).where(*_below(files), _IN_INBOX).order_by(files.c.path)
_UNFINISHED_AT = _unfinished_by_sftp().where(*_at(files)).order_by(uploads.c.touched_at.desc())
_UNFINISHED_BELOW = _unfinished_by_sftp().where(*_below(files)).order_by(files.c.path, uploads.c.touched_at.desc())
_UNFINISHED_BEFORE = (
    _unfinished()
    .where(uploads.c.touched_at < bindparam("before", type_=UtcDateTime()))
    .order_by(uploads.c.touched_at)
    .limit(bindparam("most"))
)
_UPLOAD_OF = _unfinished().where(files.c.id == bindparam("file", type_=FileUuid))
_SIDECAR_AT = select(*_SIDECAR).where(*_at(sidecars))
_SIDECARS_BELOW = select(*_SIDECAR).where(*_below(sidecars)).order_by(sidecars.c.path)
_FOLDER_AT = select(*_FOLDER).where(*_at(folders))
_FOLDERS_BELOW = select(*_FOLDER).where(*_below(folders)).order_by(folders.c.path)
_ANYTHING_BELOW = select(
    exists().where(*_below(files), _IN_INBOX)
    | exists().where(*_below(files), files.c.state == FileState.REGISTERED, uploads.c.file_id == files.c.id)
    | exists().where(*_below(sidecars))
    | exists().where(*_below(folders))
)


def current_file(connection: Connection, user: str, path: str) -> File | None:
    """Return the finished file that is in the inbox under this path."""
    row = connection.execute(_CURRENT, {"owner": user, "at_path": path}).one_or_none()
    return None if row is None else to_file(row)


def current_files_below(connection: Connection, user: str, folder: str) -> list[File]:
    """Return the finished files below a folder, at any depth."""
    return [to_file(row) for row in connection.execute(_CURRENT_BELOW, _inside(user, folder))]


def unfinished_at(connection: Connection, user: str, path: str) -> list[Unfinished]:
    """Return the uploads by SFTP of a path that are not finished, the latest first; mostly one, or none."""
    return _unfinished_rows(connection, _UNFINISHED_AT, owner=user, at_path=path)


def unfinished_below(connection: Connection, user: str, folder: str) -> list[Unfinished]:
    """Return the unfinished uploads by SFTP below a folder, at any depth, by path and the latest first."""
    return _unfinished_rows(connection, _UNFINISHED_BELOW, **_inside(user, folder))


def unfinished_before(connection: Connection, before: datetime, most: int) -> list[Unfinished]:
    """Return the unfinished uploads of all users that were last touched before a time, the oldest first."""
    return _unfinished_rows(connection, _UNFINISHED_BEFORE, before=before, most=most)


def unfinished_upload(connection: Connection, file_id: str) -> Unfinished | None:
    """Return the unfinished upload of a file."""
    return next(iter(_unfinished_rows(connection, _UPLOAD_OF, file=file_id)), None)


def sidecar_at(connection: Connection, user: str, path: str) -> Sidecar | None:
    """Return a checksum file."""
    row = connection.execute(_SIDECAR_AT, {"owner": user, "at_path": path}).one_or_none()
    return None if row is None else Sidecar(*row)


def sidecars_below(connection: Connection, user: str, folder: str) -> list[Sidecar]:
    """Return the checksum files below a folder, at any depth."""
    return [Sidecar(*row) for row in connection.execute(_SIDECARS_BELOW, _inside(user, folder))]


def folder_at(connection: Connection, user: str, path: str) -> Folder | None:
    """Return a folder that was made, or that exists because something is in it; the root always exists."""
    row = connection.execute(_FOLDER_AT, {"owner": user, "at_path": path}).one_or_none()
    if row is not None:
        return Folder(*row)
    return Folder(path, None) if not path or anything_below(connection, user, path) else None


def folders_below(connection: Connection, user: str, folder: str) -> list[Folder]:
    """Return the folders that were made below a folder, at any depth."""
    return [Folder(*row) for row in connection.execute(_FOLDERS_BELOW, _inside(user, folder))]


def anything_below(connection: Connection, user: str, folder: str) -> bool:
    """Tell whether a folder holds anything."""
    return bool(connection.execute(_ANYTHING_BELOW, _inside(user, folder)).one()[0])


def _inside(user: str, folder: str) -> dict[str, str]:
    return {"owner": user, "prefix": folder + "/" if folder else ""}


def _unfinished_rows(connection: Connection, query: Select[Any], **values: Any) -> list[Unfinished]:  # noqa: ANN401
    rows: Sequence[Any] = connection.execute(query, values).all()
    return [Unfinished(_file(row), row.upload_id, row.touched_at, Protocol(row.protocol)) for row in rows]


def _file(row: Any) -> File:  # noqa: ANN401 - a row with the columns of `files` among others
    values = {name: getattr(row, name) for name in File.__dataclass_fields__}
    return File(**{**values, "state": FileState(values["state"])})
