"""How much room a user has in the inbox, by whichever way the files come."""

from sqlalchemy import BigInteger, Connection, bindparam, func, select
from sqlalchemy import cast as sql_cast

from services.inbox.errors import QuotaExceeded, Superseded
from services.inbox.inbox import SERVICE, Inbox
from services.inbox.statements import UPLOAD_SIZE
from shared.broker.unit import Unit
from shared.database.engine import Conflict
from shared.database.queue_tables import uploads
from shared.database.records import File
from shared.database.states import FileState
from shared.database.tables import files
from shared.database.types import FileUuid
from shared.identifiers import NO_FILE, FileId

_OF_FILES = select(func.coalesce(sql_cast(func.sum(files.c.size), BigInteger), 0)).where(
    files.c.user == bindparam("owner"), files.c.inbox_location.is_not(None)
)
_UNDER_WAY = (
    select(func.coalesce(sql_cast(func.sum(uploads.c.received), BigInteger), 0))
    .join(files, files.c.id == uploads.c.file_id)
    .where(
        files.c.user == bindparam("owner"),
        files.c.state == FileState.REGISTERED,
        files.c.id != bindparam("but", type_=FileUuid),
    )
)
BYTES = select(_OF_FILES.scalar_subquery() + _UNDER_WAY.scalar_subquery())
"""Bytes of a user in the inbox: finished files, and what came of others, `but` one upload."""


def check_room(connection: Connection, inbox: Inbox, user: str, size: int, *, but: FileId = NO_FILE) -> None:
    """Raise QuotaExceeded if `size` bytes, and all there is `but` one upload, are more than this user may have."""
    if inbox.quota is None:
        return
    taken: int = connection.execute(BYTES, {"owner": user, "but": but}).scalar_one()
    if taken + size > inbox.quota:
        raise QuotaExceeded


def take_room(inbox: Inbox, file: File, size: int) -> None:
    """Count the first `size` bytes of an upload as its user's, before the last of them go into the store.

    What comes at the same time by several uploads may pass the quota, by a part each. Raises QuotaExceeded, Superseded
    if the upload was given up, DatabaseAway.
    """
    with inbox.database.read() as connection:
        check_room(connection, inbox, file.user, size, but=file.id)
    unit = Unit(service=SERVICE)
    unit.add(UPLOAD_SIZE, file=file.id, size=size, at=unit.at)
    try:
        inbox.committer.commit(unit)
    except Conflict as conflict:
        raise Superseded from conflict
