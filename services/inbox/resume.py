"""Go on with an interrupted upload from what the store really holds."""

from dataclasses import dataclass

from services.inbox.begin import Begun
from services.inbox.errors import InboxError, Superseded
from services.inbox.inbox import SERVICE, Inbox
from services.inbox.metrics import UPLOADS
from services.inbox.queries import Unfinished, current_file, unfinished_at
from services.inbox.statements import UPLOAD_TOUCH
from shared.broker.unit import Unit
from shared.database.engine import Conflict
from shared.identifiers import FileId
from shared.storage.errors import ObjectMissing, UploadMissing
from shared.storage.port import ObjectStore, Part


@dataclass(frozen=True)
class Stored:
    """What the store has of an upload: parts from the first one without a gap, or the whole object."""

    upload_id: str | None
    parts: tuple[Part, ...]
    size: int
    whole: bool = False

    @property
    def shown_size(self) -> int:
        """Size as clients see it: one byte less than there is.

        A client compares it with its own file to find where to go on; an upload of which all bytes came, but not
        the end, would look finished to it, and stay unfinished for ever.
        """
        return max(0, self.size - 1)


def resume(inbox: Inbox, user: str, path: str) -> Begun | None:
    """Find the unfinished upload of a path; None if there is none, and nothing else either.

    Raises InboxError if there is a finished file, StoreUnavailable, DatabaseAway.
    """
    with inbox.database.read() as connection:
        upload = next(iter(unfinished_at(connection, user, path)), None)
        if upload is None and current_file(connection, user, path) is not None:
            raise InboxError("this file is finished: nothing can be added, upload it anew to replace it")
    if upload is None:
        return None
    stored = look_up(inbox.store, upload)
    touch(inbox, upload.file.id, stored.upload_id)
    UPLOADS.labels("resumed").inc()
    digests = inbox.uploads.recall(upload.file.id, stored.size)
    return Begun(upload.file, stored.upload_id, stored.parts, stored.size, digests, stored.whole)


def look_up(store: ObjectStore, upload: Unfinished) -> Stored:
    """Ask the store what it has of an upload. Raises StoreUnavailable."""
    if upload.upload_id is not None:
        try:
            parts = without_gap(store.list_parts(upload.file.id, upload.upload_id))
            return Stored(upload.upload_id, parts, sum(part.size for part in parts))
        except UploadMissing:
            # it was completed, or dropped by the store's own housekeeping
            pass
    try:
        return Stored(None, (), store.stat(upload.file.id).size, whole=True)
    except ObjectMissing:
        return Stored(None, (), 0)


def without_gap(parts: list[Part]) -> tuple[Part, ...]:
    """Return the parts 1, 2, 3... as far as they go: a later one may have been stored when an earlier one failed."""
    return tuple(part for number, part in enumerate(sorted(parts), start=1) if part.number == number)


def touch(inbox: Inbox, file_id: FileId, upload_id: str | None) -> None:
    """Write down that an upload goes on, and under which id. Raises Superseded if it was given up, DatabaseAway."""
    unit = Unit(service=SERVICE)
    unit.add(UPLOAD_TOUCH, file=file_id, new_upload_id=upload_id, at=unit.at)
    try:
        inbox.committer.commit(unit)
    except Conflict as conflict:
        raise Superseded from conflict
