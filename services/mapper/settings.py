"""Settings of mapper: the sum of what its adapters need."""

from pydantic import Field

from shared.messages.settings import MessageSettings
from shared.storage.locations import InboxStoreSettings


class MapperSettings(MessageSettings, InboxStoreSettings):
    """What mapper needs to know."""

    mapping_patience: float = Field(
        default=5,
        ge=0,
        description="Seconds that a mapping or release waits for files or a dataset that may still be on their way.",
    )
