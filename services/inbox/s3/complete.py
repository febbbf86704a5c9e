"""Complete an upload in parts."""

from collections.abc import Sequence

from services.inbox.errors import Superseded
from services.inbox.finish import finish
from services.inbox.inbox import Inbox
from services.inbox.metrics import UPLOADS
from services.inbox.parts import persistently
from services.inbox.queries import Unfinished
from services.inbox.s3.errors import S3Error
from services.inbox.s3.parts import chosen_parts, find_upload, no_such_upload
from services.inbox.s3.queries import completed_tag
from shared.storage.errors import ObjectMissing, UploadMissing
from shared.storage.multipart import joined_etag
from shared.storage.port import Stat

Wanted = Sequence[tuple[int, str]]
"""Number and tag of each part that is to be in the file."""


def complete(inbox: Inbox, user: str, path: str, upload_id: str, wanted: Wanted) -> str:
    """Make a file of parts, and return its tag; a second call gives the same answer.

    Raises S3Error, Busy, StoreUnavailable, DatabaseAway.
    """
    try:
        upload = find_upload(inbox, user, path, upload_id)
    except S3Error:
        return _completed_before(inbox, user, path, upload_id)
    size, tag = _make(inbox, upload, wanted)
    try:
        finish(inbox, upload.file.id, size, {}, tag)
    except Superseded:
        raise no_such_upload() from None
    UPLOADS.labels("finished").inc()
    return tag


def _make(inbox: Inbox, upload: Unfinished, wanted: Wanted) -> Stat:
    """Have the store make the object; one that it has made before, for a call whose end nobody saw, is fine."""
    store, key, upload_id = inbox.store, upload.file.id, str(upload.upload_id)
    try:
        parts = chosen_parts(persistently(lambda: store.list_parts(key, upload_id)), wanted)
        made = persistently(lambda: store.complete_upload(key, upload_id, parts))
    except UploadMissing:
        try:
            return store.stat(key)
        except ObjectMissing:
            raise no_such_upload() from None
    return Stat(made.size, joined_etag(parts) or made.etag)


def _completed_before(inbox: Inbox, user: str, path: str, upload_id: str) -> str:
    with inbox.database.read() as connection:
        tag = completed_tag(connection, user, path, upload_id)
    if tag is None:
        raise no_such_upload()
    return tag
