"""The stores between which ingest moves bodies."""

from dataclasses import dataclass

from shared.storage.port import ObjectStore


@dataclass(frozen=True)
class Stores:
    """Inbox, archive, and the backup if there is one."""

    inbox: ObjectStore
    archive: ObjectStore
    backup: ObjectStore | None
