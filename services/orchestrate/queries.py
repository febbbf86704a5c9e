"""Named database operations of orchestrate."""

from sqlalchemy import Connection, bindparam, func, select

from shared.database.tables import events
from shared.database.types import FileUuid
from shared.identifiers import FileId

_NUMBER = select(func.min(events.c.id)).where(
    events.c.file_id == bindparam("file", type_=FileUuid), events.c.event == "verified"
)


def file_number(connection: Connection, file: FileId) -> int:
    """Return a number that no other file has: that of the event by which the file was verified first."""
    number = connection.scalar(_NUMBER, {"file": file})
    return int(number or 0)
