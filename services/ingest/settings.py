"""Settings of ingest: the sum of what its adapters need."""

from shared.crypto.settings import KeySettings
from shared.messages.settings import MessageSettings
from shared.storage.locations import ArchiveStoreSettings, BackupStoreSettings, InboxStoreSettings


class IngestSettings(KeySettings, MessageSettings, InboxStoreSettings, ArchiveStoreSettings, BackupStoreSettings):
    """What ingest needs to know."""
