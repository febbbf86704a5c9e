"""Begin an upload: a new file id, whatever was under this name before."""

from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from services.inbox.abandon import abandon, drop
from services.inbox.digests import Digests
from services.inbox.errors import InboxError
from services.inbox.inbox import Inbox
from services.inbox.placing import check_place
from services.inbox.queries import Protocol, Unfinished, current_file, unfinished_at
from services.inbox.quota import check_room
from services.inbox.statements import UPLOAD_BEGIN
from shared.broker.unit import Unit
from shared.database.records import File
from shared.database.statements import FILE_REGISTER
from shared.database.states import FileState
from shared.identifiers import NO_FILE, FileId, new_file_id
from shared.storage.port import Part


@dataclass(frozen=True)
class Begun:
    """An upload that goes on at `size` bytes; `digests` are None if this process has not seen all of them.

    With `whole` the object is in the store already: only its record is missing.
    """

    file: File
    upload_id: str | None = None
    parts: tuple[Part, ...] = ()
    size: int = 0
    digests: Digests | None = None
    whole: bool = False


def begin(inbox: Inbox, user: str, path: str, *, exclusive: bool = False) -> Begun:
    """Register a file and its upload; unfinished ones of this name are given up.

    exclusive: refuse if there is anything of this name. Raises InboxError, QuotaExceeded, Busy, DatabaseAway.
    """
    begun, void = inbox.settle(partial(_begin, inbox=inbox, user=user, path=path, exclusive=exclusive))
    for upload in void:
        drop(inbox, upload)
    return begun


def _begin(
    connection: Connection, unit: Unit, *, inbox: Inbox, user: str, path: str, exclusive: bool
) -> tuple[Begun, list[Unfinished]]:
    check_place(connection, user, path)
    void = unfinished_at(connection, user, path)
    if exclusive and (void or current_file(connection, user, path)):
        raise InboxError("there is a file of this name already")
    check_room(connection, inbox, user, 1, but=void[0].file.id if void else NO_FILE)
    for upload in void:
        abandon(unit, upload, "a new upload of this name has begun")
    return Begun(register(unit, new_file_id(), user, path, protocol=Protocol.SFTP), digests=Digests()), void


def register(
    unit: Unit, file_id: FileId, user: str, path: str, *, protocol: Protocol, upload_id: str | None = None
) -> File:
    """Write down a file of which nothing has come yet; `upload_id` is that of its upload in parts, if it has one."""
    unit.add(FILE_REGISTER, id=file_id, user=user, path=path, state=FileState.REGISTERED.value, at=unit.at)
    unit.event(file_id, FileState.REGISTERED.value)
    unit.add(UPLOAD_BEGIN, file_id=file_id, upload_id=upload_id, touched_at=unit.at, protocol=protocol.value)
    return File(
        id=file_id, user=user, path=path, state=FileState.REGISTERED, size=None, inbox_location=None, header=None,
        key_fingerprint=None, archive_location=None, archive_size=None, plain_size=None, backup_location=None,
        accession=None, error=None, registered_at=unit.at, changed_at=unit.at,
    )  # fmt: skip
