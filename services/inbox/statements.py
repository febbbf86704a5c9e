"""What the inbox adds to the statements of shared/database/statements.py: all hold only for what is still there.

A file may be archived, cleaned up, renamed and removed at the same time; whoever comes second finds that its
condition fails and decides anew, so that each removal and each renaming is told once.
"""

from sqlalchemy import ColumnElement, Text, bindparam, update

from shared.database.queue_tables import uploads
from shared.database.sets import SetStatement
from shared.database.statements import Statement
from shared.database.tables import files
from shared.database.types import FileUuid, UtcDateTime


def _as_it_was_read() -> tuple[ColumnElement[bool], ...]:
    return (
        files.c.id == bindparam("file", type_=FileUuid),
        files.c.changed_at == bindparam("seen", type_=UtcDateTime()),
        files.c.inbox_location.is_not(None),
    )


LEAVE_INBOX = Statement(
    11,  # before another file of this name moves in, which the unique index would forbid
    update(files)
    .where(*_as_it_was_read())
    .values(inbox_location=None, changed_at=bindparam("at", type_=UtcDateTime())),
    conditional=True,
)
RENAME_IN_INBOX = Statement(
    15,
    update(files)
    .where(*_as_it_was_read())
    .values(path=bindparam("new_path"), changed_at=bindparam("at", type_=UtcDateTime())),
    conditional=True,
)
UPLOAD_BEGIN = Statement(
    30,
    SetStatement(
        "INSERT INTO uploads (file_id, upload_id, touched_at, protocol) "
        "SELECT file_id, upload_id, touched_at, protocol FROM {rows}",
        {"file_id": FileUuid, "upload_id": Text(), "touched_at": UtcDateTime(), "protocol": Text()},
    ),
)
UPLOAD_RECEIVED = Statement(
    31,
    update(uploads)
    .where(uploads.c.file_id == bindparam("file", type_=FileUuid))
    .values(received=uploads.c.received + bindparam("more"), touched_at=bindparam("at", type_=UtcDateTime())),
    conditional=True,
)
"""Fails for an upload that was given up or finished elsewhere."""
UPLOAD_SIZE = Statement(
    31,
    update(uploads)
    .where(uploads.c.file_id == bindparam("file", type_=FileUuid))
    .values(received=bindparam("size"), touched_at=bindparam("at", type_=UtcDateTime())),
    conditional=True,
)
"""Fails for an upload that was given up or finished elsewhere."""
UPLOAD_TOUCH = Statement(
    30,
    update(uploads)
    .where(uploads.c.file_id == bindparam("file", type_=FileUuid))
    .values(upload_id=bindparam("new_upload_id", type_=Text()), touched_at=bindparam("at", type_=UtcDateTime())),
    conditional=True,
)
"""Fails for an upload that was given up or finished elsewhere."""
