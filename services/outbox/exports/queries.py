"""Named database operations of the exports' routes."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, func, insert, select, text

from shared.database.reading import AsyncReads
from shared.database.statements import Statement
from shared.database.tables import export_files, exports, files
from shared.database.types import FileUuid, UtcDateTime, now

MOST_REFUSALS = 100
"""Refused files that are told of each by itself."""

EXPORT_ADD = Statement(60, insert(exports))
EXPORT_REMOVE = Statement(
    60,
    text("UPDATE exports SET removed_at = :at WHERE id = :export AND removed_at IS NULL").bindparams(
        bindparam("export", type_=FileUuid), bindparam("at", type_=UtcDateTime())
    ),
)

_EXPORT = bindparam("export", type_=FileUuid)
_OWN = (
    select(
        exports.c.id, exports.c.dataset_id, exports.c.file_id, exports.c.registered_at, exports.c.listed_at,
        exports.c.expires_at, exports.c.refusal,
    )
    .where(
        exports.c.user == bindparam("user"),
        exports.c.removed_at.is_(None),
        exports.c.expires_at > bindparam("at", type_=UtcDateTime()),
    )
    .order_by(exports.c.registered_at, exports.c.id)
)  # fmt: skip
_ONE = _OWN.where(exports.c.id == _EXPORT)
_PROGRESS = (
    select(export_files.c.state, func.count(), func.coalesce(func.sum(export_files.c.size), 0))
    .where(export_files.c.export_id == _EXPORT)
    .group_by(export_files.c.state)
)
_REFUSED = (
    select(export_files.c.file_id, files.c.accession, export_files.c.reason)
    .join(files, files.c.id == export_files.c.file_id)
    .where(export_files.c.export_id == _EXPORT, export_files.c.state == "refused")
    .order_by(export_files.c.file_id)
    .limit(MOST_REFUSALS)
)


class Export(NamedTuple):
    """An export that is there for its reader; `refusal`: why none of it is written."""

    id: str
    dataset: str | None
    file: str | None
    registered_at: datetime
    listed_at: datetime | None
    expires_at: datetime
    refusal: str | None

    def state(self, progress: "Mapping[str, Share]") -> str:
        """Return how far it is: queued, running, done, or refused as a whole."""
        if self.refusal is not None:
            return "refused"
        if self.listed_at is None and not progress:
            return "queued"
        return "running" if self.listed_at is None or "waiting" in progress else "done"


class Share(NamedTuple):
    """Files, and bytes of their bodies."""

    files: int = 0
    size: int = 0


class Refusal(NamedTuple):
    """A file that was not written."""

    file: str
    accession: str | None
    reason: str


class OwnExports:
    """Asks about the exports of a reader. Every method raises DatabaseAway."""

    def __init__(self, reads: AsyncReads) -> None:
        self._reads = reads

    async def all(self, user: str) -> list[Export]:
        """Return them, oldest first."""
        return [Export._make(row) for row in await self._reads.rows(_OWN, {"user": user, "at": now()})]

    async def one(self, user: str, export: str) -> Export | None:
        """Return one of them."""
        rows = await self._reads.rows(_ONE, {"user": user, "export": export, "at": now()})
        return Export._make(rows[0]) if rows else None

    async def progress(self, export: str) -> dict[str, Share]:
        """Return how much of an export is in which state: waiting, written, refused."""
        rows = await self._reads.rows(_PROGRESS, {"export": export})
        return {state: Share(int(count), int(size)) for state, count, size in rows}

    async def refused(self, export: str) -> list[Refusal]:
        """Return some of the files that were refused."""
        return [Refusal._make(row) for row in await self._reads.rows(_REFUSED, {"export": export})]
