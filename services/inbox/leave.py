"""A file leaves the inbox: its submitter, Central EGA and the store are told."""

from datetime import timedelta

from services.inbox.statements import LEAVE_INBOX
from shared.broker.unit import Unit
from shared.database.records import File
from shared.database.states import FileState
from shared.identifiers import wire_path
from shared.messages.inbox import InboxRemove
from shared.messages.ingestion import IngestTrigger
from shared.messages.operations import Cleanup

WITHDRAWN = frozenset({FileState.UPLOADED, FileState.ERROR, FileState.CANCELLED})
"""States in which nothing but the inbox has a hold on a file: leaving the inbox cancels it."""

_GRACE = timedelta(days=1)
"""So long the object of a file that is just being ingested stays readable."""


def leave(unit: Unit, file: File, reason: str) -> None:
    """Take a file out of the inbox; one that is archived stays in the archive."""
    withdrawn = file.state in WITHDRAWN
    # a move of this unit expects to find the time of the last change as it was read, and sets it itself
    unit.add(LEAVE_INBOX, file=file.id, seen=file.changed_at, at=file.changed_at if withdrawn else unit.at)
    if withdrawn:
        unit.move(file, FileState.CANCELLED, reason=reason)
        if file.archive_location is not None:
            # it was archived and then refused: nobody but ingest may delete what the archive has of it
            trigger = IngestTrigger(type="cancel", user=file.user, filepath=wire_path(file.user, file.path))
            unit.send(trigger, file.id)
    unit.event(file.id, "removed", reason=reason)
    unit.send(InboxRemove(user=file.user, filepath=wire_path(file.user, file.path)), file.id)
    due = unit.at + _GRACE if file.state is FileState.SUBMITTED else unit.at
    unit.send_raw(Cleanup.routing_key, Cleanup(file_ids=(file.id,)).body(), file.id, due=due)
