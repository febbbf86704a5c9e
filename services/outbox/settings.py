"""Settings of outbox: the sum of what its adapters need."""

from pydantic import Field

from shared.access.settings import AccessSettings
from shared.crypto.settings import KeySettings
from shared.storage.locations import ArchiveStoreSettings


class OutboxSettings(AccessSettings, KeySettings, ArchiveStoreSettings):
    """What outbox needs to know."""

    outbox_address: str = Field(
        default="127.0.0.1:8080",
        description="Address of the download side, as host:port; an IPv6 host in brackets. TLS is the proxy's.",
    )
    outbox_resume_hours: float = Field(
        default=24,
        gt=0,
        description="For so long a re-encrypted header is kept in memory, so that a broken download can be resumed.",
    )
    outbox_stall_seconds: float = Field(
        default=600, gt=0, description="A reader who takes not a single byte for so long is cut off."
    )
