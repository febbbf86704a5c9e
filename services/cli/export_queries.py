"""Named database operations about exports."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, text, update

from services.outbox.exports.queries import Export, Share
from shared.broker.topology import EXPORTS
from shared.database.queue_tables import dead_letters
from shared.database.statements import Statement
from shared.database.tables import export_files, exports, files
from shared.database.types import FileUuid, UtcDateTime, now

EXPORT_RETRY = Statement(
    60,
    text(
        "UPDATE exports SET listed_at = NULL, refusal = NULL "
        "WHERE id = :export AND removed_at IS NULL AND expires_at > :at"
    ).bindparams(bindparam("export", type_=FileUuid), bindparam("at", type_=UtcDateTime())),
    conditional=True,
)
EXPORT_FILES_RETRY = Statement(
    62,
    update(export_files)
    .where(export_files.c.export_id == bindparam("export", type_=FileUuid), export_files.c.state == "refused")
    .values(state="waiting", reason=None, changed_at=bindparam("at", type_=UtcDateTime())),
)

_EXPORT = bindparam("export", type_=FileUuid)
_ALL = select(exports).order_by(exports.c.registered_at, exports.c.id)
_ONE = select(exports).where(exports.c.id == _EXPORT)
_PROGRESS = (
    select(export_files.c.state, func.count(), func.coalesce(func.sum(export_files.c.size), 0))
    .where(export_files.c.export_id == _EXPORT)
    .group_by(export_files.c.state)
)
_REFUSED = (
    select(export_files.c.file_id.label("id"), files.c.accession, files.c.path, export_files.c.reason)
    .join(files, files.c.id == export_files.c.file_id)
    .where(export_files.c.export_id == _EXPORT, export_files.c.state == "refused")
    .order_by(export_files.c.file_id)
)
_DEAD = (
    select(dead_letters.c.id, dead_letters.c.reason, dead_letters.c.at)
    .where(dead_letters.c.queue == EXPORTS.name, dead_letters.c.body.contains(bindparam("export_text")))
    .order_by(dead_letters.c.id)
)


def listed_exports(connection: Connection, user: str | None) -> Iterator[dict[str, Any]]:
    """Yield exports, oldest first, those too that are over and not removed yet."""
    query = _ALL if user is None else _ALL.where(exports.c.user == user)
    for row in connection.execute(query).all():
        yield _described(connection, row)


def export_by_id(connection: Connection, export: str) -> dict[str, Any] | None:
    """Return an export with the files that were refused, and the dead letters about it."""
    row = connection.execute(_ONE, {"export": export}).one_or_none()
    if row is None:
        return None
    refused = [found._asdict() for found in connection.execute(_REFUSED, {"export": export})]
    dead = [found._asdict() for found in connection.execute(_DEAD, {"export_text": export})]
    return {**_described(connection, row), "refused_files": refused, "dead_letters": dead}


def _described(connection: Connection, row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row
    progress = {
        state: Share(int(count), int(size)) for state, count, size in connection.execute(_PROGRESS, {"export": row.id})
    }
    shares = {state: progress.get(state, Share()) for state in ("written", "refused", "waiting")}
    return {
        "id": row.id,
        "user": row.user,
        "dataset": row.dataset_id,
        "file": row.file_id,
        "state": _state(row, progress),
        "reason": row.refusal,
        **{state: share.files for state, share in shares.items()},
        "bytes_written": shares["written"].size,
        "registered_at": row.registered_at,
        "expires_at": row.expires_at,
    }


def _state(row: Any, progress: dict[str, Share]) -> str:  # noqa: ANN401 - a row
    """Return the state that its reader is told, or that it is over."""
    if row.removed_at is not None or row.expires_at <= now():
        return "removed"
    export = Export(row.id, row.dataset_id, row.file_id, row.registered_at, row.listed_at, row.expires_at, row.refusal)
    return export.state(progress)
