"""An upload is whole: the file, its checksums and the message to all others, in one transaction."""

from collections.abc import Mapping
from functools import partial

from sqlalchemy import Connection

from services.inbox.errors import Superseded
from services.inbox.inbox import Inbox
from services.inbox.leave import leave
from services.inbox.queries import current_file
from shared.broker.unit import Unit
from shared.database.records import ChecksumSource, File, file_by_id
from shared.database.statements import UPLOAD_FORGET
from shared.database.states import FileState
from shared.identifiers import FileId, wire_path
from shared.messages.fields import checksums
from shared.messages.inbox import InboxUpload


def finish(inbox: Inbox, file_id: FileId, size: int, digests: Mapping[str, str], tag: str | None = None) -> None:
    """Record a file whose object is complete in the store; an earlier one of this name leaves the inbox.

    digests: by algorithm, over the whole upload; empty if this process has not seen all of it. tag: what S3 clients
    are shown as its ETag. A second call changes nothing. Raises Superseded if the upload was given up meanwhile (its
    object is deleted), DatabaseAway, Busy.
    """
    try:
        inbox.settle(partial(_finish, store=inbox.store.name, file_id=file_id, size=size, digests=digests, tag=tag))
    except Superseded:
        inbox.store.delete(file_id)
        raise
    inbox.uploads.forget(file_id)


def _finish(
    connection: Connection,
    unit: Unit,
    *,
    store: str,
    file_id: FileId,
    size: int,
    digests: Mapping[str, str],
    tag: str | None,
) -> None:
    file = file_by_id(connection, file_id)
    if file is None or file.state is FileState.CANCELLED:
        raise Superseded
    if file.state is not FileState.REGISTERED:
        return
    earlier = current_file(connection, file.user, file.path)
    record(unit, file, earlier, store=store, size=size, digests=digests, tag=tag)


def record(
    unit: Unit,
    file: File,
    earlier: File | None,
    *,
    store: str,
    size: int,
    digests: Mapping[str, str],
    tag: str | None,
) -> None:
    """Write down that a registered file is whole, and that it takes the place of an earlier one of its name."""
    if earlier is not None:
        leave(unit, earlier, "replaced by a newer upload")
    unit.move(file, FileState.UPLOADED, size=size, tag=tag, inbox_location=store)
    unit.checksums(file.id, ChecksumSource.UPLOADED, digests)
    unit.add(UPLOAD_FORGET, file=file.id)
    unit.send(_told(file, size, digests), file.id)


def _told(file: File, size: int, digests: Mapping[str, str]) -> InboxUpload:
    return InboxUpload(
        user=file.user,
        filepath=wire_path(file.user, file.path),
        filesize=size,
        encrypted_checksums=checksums(dict(digests)) or None,
    )
