"""What the inbox adds to the statements of shared/database/statements.py: both hold only for a file that is there.

A file may be archived, cleaned up, renamed and removed at the same time; whoever comes second finds that its
condition fails and decides anew, so that each removal and each renaming is told once.
"""

from sqlalchemy import ColumnElement, bindparam, update

from shared.database.statements import Statement
from shared.database.tables import files
from shared.database.types import FileUuid, UtcDateTime


def _as_it_was_read() -> tuple[ColumnElement[bool], ...]:
    return (
        files.c.id == bindparam("file", type_=FileUuid),
        files.c.path == bindparam("old_path"),
        files.c.state == bindparam("was"),
        files.c.inbox_location.is_not(None),
    )


LEAVE_INBOX = Statement(
    11,  # before the move of the state that it checks
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
