"""Bring uploads to an end that a crash or a lost connection left open."""

from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Connection

from services.inbox.abandon import abandon, drop
from services.inbox.errors import Superseded
from services.inbox.finish import finish
from services.inbox.inbox import Inbox
from services.inbox.metrics import UPLOADS
from services.inbox.queries import Protocol, Unfinished, current_file, unfinished_before, unfinished_upload
from shared.broker.unit import Unit
from shared.database.types import now
from shared.identifiers import FileId, parse_file_id
from shared.lifecycle import Repeating
from shared.storage.errors import ObjectMissing

log = structlog.get_logger(__name__)

PERIOD = 60.0
_SETTLED = timedelta(minutes=2)
"""An upload that was touched later than this may be in the hands of another process."""
_SWEEP_EVERY = 60
"""Passes between looks at what the store holds that nobody knows of."""
_STRAY = timedelta(days=1)
_MOST = 10_000


class Reconciler(Repeating):
    """Looks at unfinished uploads at its start and every minute.

    Those whose object is complete are recorded as finished; those that nobody goes on with are given up in the end;
    what the store holds of uploads that are over is dropped.
    """

    def __init__(self, inbox: Inbox, *, patience: timedelta) -> None:
        super().__init__("reconciler", seconds=PERIOD, at_once=True)
        self._inbox = inbox
        self._patience = patience
        self._incomplete: dict[FileId, datetime] = {}
        self._passes = 0

    def turn(self) -> None:
        """Make one pass."""
        self.reconcile(now())

    def reconcile(self, at: datetime) -> None:
        """Make one pass, as of a time. Raises StoreUnavailable, StoreRefused, DatabaseAway."""
        if self._passes % _SWEEP_EVERY == 0:
            self._incomplete.clear()
            self._drop_strays(at)
        self._passes += 1
        with self._inbox.database.read() as connection:
            uploads = unfinished_before(connection, at - _SETTLED, _MOST)
        for upload in uploads:
            if self._inbox.uploads.get(upload.file.id) is None:
                self._settle(upload, at)

    def _settle(self, upload: Unfinished, at: datetime) -> None:
        if self._incomplete.get(upload.file.id) != upload.touched_at:
            if self._finished(upload):
                return
            self._incomplete[upload.file.id] = upload.touched_at
        if upload.touched_at < at - (self._patience if upload.resumable else min(self._patience, _STRAY)):
            self._give_up(upload)

    def _finished(self, upload: Unfinished) -> bool:
        file_id = upload.file.id
        try:
            stored = self._inbox.store.stat(file_id)
        except ObjectMissing:
            return False
        if self._is_outdated(upload):
            self._give_up(upload)
            return True
        known = self._inbox.uploads.recall(file_id, stored.size)
        tag = stored.etag if upload.protocol is Protocol.S3 else None
        try:
            finish(self._inbox, file_id, stored.size, known.values() if known else {}, tag)
        except Superseded:
            return True
        UPLOADS.labels("recovered").inc()
        log.info("upload_recovered", file_id=file_id)
        return True

    def _is_outdated(self, upload: Unfinished) -> bool:
        """Tell whether its client, who got no answer, has meanwhile uploaded a newer file of this name."""
        with self._inbox.database.read() as connection:
            current = current_file(connection, upload.file.user, upload.file.path)
        return current is not None and current.registered_at > upload.file.registered_at

    def _give_up(self, upload: Unfinished) -> None:
        self._incomplete.pop(upload.file.id, None)
        if self._inbox.settle(partial(_abandon_untouched, upload=upload)):
            drop(self._inbox, upload)

    def _drop_strays(self, at: datetime) -> None:
        for upload in self._inbox.store.unfinished_uploads():
            file_id = parse_file_id(upload.key)
            if file_id is None or upload.started > at - _STRAY:
                continue
            with self._inbox.database.read() as connection:
                known = unfinished_upload(connection, file_id)
            if known is None or known.upload_id != upload.upload_id:
                self._inbox.store.abort_upload(upload.key, upload.upload_id)


def _abandon_untouched(connection: Connection, unit: Unit, *, upload: Unfinished) -> bool:
    """Give an upload up unless somebody went on with it meanwhile."""
    if unfinished_upload(connection, upload.file.id) != upload:
        return False
    abandon(unit, upload, "nobody went on with this upload")
    return True
