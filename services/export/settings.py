"""Settings of export: the sum of what its adapters need."""

from shared.crypto.settings import KeySettings
from shared.errors import ConfigurationError
from shared.messages.settings import MessageSettings
from shared.storage.locations import ArchiveStoreSettings, ExportStoreSettings
from shared.storage.port import ObjectStore


class ExportSettings(KeySettings, MessageSettings, ArchiveStoreSettings, ExportStoreSettings):
    """What export needs to know."""

    def export_store(self) -> ObjectStore:
        """Open the store of the exports. Raises ConfigurationError."""
        if self.exports is None:
            raise ConfigurationError("STRONGROOM_EXPORTS: set it, or do not run this service")
        return self.store(self.exports)
