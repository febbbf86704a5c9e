"""Delete uploads from the inbox that are no longer needed."""

from collections.abc import Sequence

from shared.broker.unit import Unit
from shared.database.records import File
from shared.database.statements import FILE_LEAVE_INBOX
from shared.storage.port import ObjectStore


def clean_inbox(files: Sequence[File], inbox: ObjectStore, unit: Unit) -> None:
    """Delete the uploads of these files. Their keys are file ids, so no other upload can be meant."""
    for file in files:
        inbox.delete(file.id)
        if file.inbox_location is not None:
            unit.add(FILE_LEAVE_INBOX, file=file.id, at=unit.at)
            unit.event(file.id, "left inbox")
