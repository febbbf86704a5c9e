"""Give up an unfinished upload: nobody was told of it, so nobody is told of its end."""

import structlog

from services.inbox.inbox import Inbox
from services.inbox.metrics import UPLOADS
from services.inbox.queries import Unfinished
from shared.broker.unit import Unit
from shared.database.statements import UPLOAD_FORGET
from shared.database.states import FileState
from shared.errors import StrongroomError

log = structlog.get_logger(__name__)


def abandon(unit: Unit, upload: Unfinished, reason: str) -> None:
    """Write down that an upload is given up; `drop` its bytes once that is committed."""
    unit.move(upload.file, FileState.CANCELLED, reason=reason)
    unit.event(upload.file.id, "abandoned", reason=reason)
    unit.add(UPLOAD_FORGET, file=upload.file.id)


def drop(inbox: Inbox, upload: Unfinished) -> None:
    """Remove the bytes of an upload that was given up; what can't be removed now is left to the reconciler."""
    UPLOADS.labels("abandoned").inc()
    inbox.uploads.forget(upload.file.id)
    try:
        if upload.upload_id is not None:
            inbox.store.abort_upload(upload.file.id, upload.upload_id)
        inbox.store.delete(upload.file.id)
    except StrongroomError as error:
        log.warning("upload_not_dropped", file_id=upload.file.id, error=type(error).__name__)
