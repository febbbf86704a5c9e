"""Begin an upload in parts, by S3. What is under its name stays until the new file is whole."""

from functools import partial

from sqlalchemy import Connection

from services.inbox.begin import register
from services.inbox.errors import InboxError
from services.inbox.inbox import Inbox
from services.inbox.paths import sidecar_algorithm
from services.inbox.queries import Protocol
from services.inbox.quota import check_room
from services.inbox.s3.queries import Place, place_of
from shared.broker.unit import Unit
from shared.identifiers import FileId, new_file_id


def begin_multipart(inbox: Inbox, user: str, path: str) -> FileId:
    """Register a file that comes in parts, and begin its upload in the store.

    Its id is the id of the upload to the client. Raises InboxError, Busy, StoreUnavailable, DatabaseAway.
    """
    if sidecar_algorithm(path):
        raise InboxError("a checksum file has 4 KiB at most, and is sent in one piece")
    file_id = new_file_id()
    # first in the store: what a crash leaves there without a file is dropped by the reconciler
    upload_id = inbox.store.start_upload(file_id)
    inbox.settle(partial(_begin, inbox=inbox, file_id=file_id, user=user, path=path, upload_id=upload_id))
    return file_id


def check_key_place(connection: Connection, user: str, path: str) -> None:
    """Raise InboxError unless a file may have this path; folders come into being with what is put into them."""
    check_obstacle(place_of(connection, user, path))


def check_obstacle(place: Place) -> None:
    """Raise InboxError if something keeps a file from being there."""
    if place.obstacle is not None:
        raise InboxError(place.obstacle)


def _begin(
    connection: Connection, unit: Unit, *, inbox: Inbox, file_id: FileId, user: str, path: str, upload_id: str
) -> None:
    check_key_place(connection, user, path)
    check_room(connection, inbox, user, 0)
    register(unit, file_id, user, path, protocol=Protocol.S3, upload_id=upload_id)
