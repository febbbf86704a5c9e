"""Settings of finalize: the sum of what its adapters need."""

from shared.messages.settings import MessageSettings
from shared.storage.locations import ArchiveStoreSettings, BackupStoreSettings


class FinalizeSettings(MessageSettings, ArchiveStoreSettings, BackupStoreSettings):
    """What finalize needs to know."""
