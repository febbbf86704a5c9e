"""Remove what is under a name: a file, a checksum file, an unfinished upload."""

from functools import partial

from sqlalchemy import Connection

from services.inbox.abandon import abandon, drop
from services.inbox.errors import NotAllowed, NotThere
from services.inbox.inbox import Inbox
from services.inbox.leave import WITHDRAWN, leave
from services.inbox.paths import not_root
from services.inbox.queries import Unfinished, current_file, folder_at, sidecar_at, unfinished_at
from shared.broker.unit import Unit
from shared.database.records import File
from shared.database.statements import SIDECAR_REMOVE
from shared.database.states import FileState

_REASON = "removed by the submitter"


def remove(inbox: Inbox, user: str, path: str, *, archived: bool = True) -> None:
    """Remove a file from the inbox; one that is archived stays there. Raises InboxError, DatabaseAway, Busy.

    archived: whether one that is archived may be removed at all.
    """
    for upload in inbox.settle(partial(_remove, user=user, path=not_root(path), archived=archived)):
        drop(inbox, upload)


def _remove(connection: Connection, unit: Unit, *, user: str, path: str, archived: bool) -> list[Unfinished]:
    unfinished = unfinished_at(connection, user, path)
    for upload in unfinished:
        abandon(unit, upload, _REASON)
    file = current_file(connection, user, path)
    if file is not None:
        leave(unit, _removable(file, archived=archived), _REASON)
    if sidecar_at(connection, user, path) is not None:
        unit.add(SIDECAR_REMOVE, owner=user, sidecar=path)
    if not unit.effects:
        raise _nothing_to_remove(connection, user, path)
    return unfinished


def _removable(file: File, *, archived: bool) -> File:
    if file.state is FileState.SUBMITTED:
        raise NotAllowed("this file is just being ingested: try again later")
    if not archived and file.state not in WITHDRAWN:
        raise NotAllowed("this file is in the archive already: ask the archive's staff to take it back")
    return file


def _nothing_to_remove(connection: Connection, user: str, path: str) -> NotAllowed | NotThere:
    if folder_at(connection, user, path) is not None:
        return NotAllowed("this is a folder: remove it as one")
    return NotThere()
