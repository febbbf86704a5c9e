"""Named database operations of export."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, text, update

from shared.access.grants import Reader
from shared.crypto.keys import PublicKey
from shared.database.statements import Statement
from shared.database.tables import export_files, exports
from shared.database.types import FileUuid, UtcDateTime, now
from shared.identifiers import DatasetId, FileId


def _time(name: str) -> Any:  # noqa: ANN401 - SQLAlchemy's bindparam is generic in what it binds
    return bindparam(name, type_=UtcDateTime())


def _uuid(name: str) -> Any:  # noqa: ANN401
    return bindparam(name, type_=FileUuid)


FILE_ADD = Statement(
    61,
    text(
        "INSERT INTO export_files (export_id, file_id, state, size, changed_at) "
        "VALUES (:export_id, :file_id, 'waiting', :size, :at) ON CONFLICT (export_id, file_id) DO NOTHING"
    ).bindparams(_uuid("export_id"), _uuid("file_id"), _time("at")),
)
FILE_DECIDE = Statement(
    62,
    # what is written for an export that was removed meanwhile is decided anew, and taken away again
    text(
        "UPDATE export_files SET state = :to_state, reason = :reason, changed_at = :at "
        "WHERE export_id = :export_id AND file_id = :file_id AND state = 'waiting' "
        "AND EXISTS (SELECT 1 FROM exports WHERE exports.id = :export_id AND exports.removed_at IS NULL)"
    ).bindparams(_uuid("export_id"), _uuid("file_id"), _time("at")),
    conditional=True,
)
LISTED = Statement(
    63,
    update(exports).where(exports.c.id == _uuid("export")).values(listed_at=_time("at"), refusal=bindparam("reason")),
)

_JOB = select(exports).where(exports.c.id == _uuid("export"), exports.c.removed_at.is_(None))
_STATE = select(export_files.c.state).where(
    export_files.c.export_id == _uuid("export"), export_files.c.file_id == _uuid("file")
)
_EXPIRE = (
    update(exports)
    .where(exports.c.expires_at < _time("at"), exports.c.removed_at.is_(None))
    .values(removed_at=_time("at"))
)
_REMOVED = select(exports.c.id).where(exports.c.removed_at.is_not(None))
_FORGET_FILES = delete(export_files).where(export_files.c.export_id == _uuid("export"))
_FORGET = delete(exports).where(exports.c.id == _uuid("export"))


@dataclass(frozen=True, kw_only=True)
class Job:
    """An export: the dataset or the file that is wanted, by whom, and for which key."""

    id: str
    reader: Reader
    key: PublicKey
    dataset: DatasetId | None
    file: FileId | None


def job_of(connection: Connection, export: str) -> Job | None:
    """Return an export; None if there is none any more. Visas that have ended are left out."""
    row = connection.execute(_JOB, {"export": export}).one_or_none()
    if row is None:
        return None
    visas = tuple(json.loads(row.visas)) if row.visas_until > now() else ()
    return Job(
        id=row.id,
        reader=Reader(user=row.user, visas=visas, owner=row.owner),
        key=PublicKey(bytes.fromhex(row.reader_key)),
        dataset=row.dataset_id,
        file=row.file_id,
    )


def waits(connection: Connection, export: str, file: str) -> bool:
    """Tell whether a file of an export is still to be decided."""
    return connection.scalar(_STATE, {"export": export, "file": file}) == "waiting"


def expire(connection: Connection) -> None:
    """Take back the exports whose time is over."""
    connection.execute(_EXPIRE, {"at": now()})


def removed(connection: Connection) -> list[str]:
    """Return the exports of which something may still be there, and should not."""
    return list(connection.scalars(_REMOVED))


def forget(connection: Connection, export: str) -> None:
    """Delete all rows of an export."""
    connection.execute(_FORGET_FILES, {"export": export})
    connection.execute(_FORGET, {"export": export})
