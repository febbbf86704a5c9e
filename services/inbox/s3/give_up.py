"""Give up an upload by S3: by its client's wish, or because it came to nothing."""

from functools import partial

from sqlalchemy import Connection

from services.inbox.abandon import abandon, drop
from services.inbox.inbox import Inbox
from services.inbox.queries import Unfinished, unfinished_upload
from shared.broker.unit import Unit
from shared.identifiers import FileId


def give_up(inbox: Inbox, file_id: FileId, reason: str) -> bool:
    """Cancel an unfinished upload and drop its bytes; False if there is none. Raises DatabaseAway, Busy."""
    upload = inbox.settle(partial(_give_up, file_id=file_id, reason=reason))
    if upload is not None:
        drop(inbox, upload)
    return upload is not None


def _give_up(connection: Connection, unit: Unit, *, file_id: FileId, reason: str) -> Unfinished | None:
    upload = unfinished_upload(connection, file_id)
    if upload is not None:
        abandon(unit, upload, reason)
    return upload
