"""Settings of verify: the sum of what its adapters need."""

from pydantic import Field

from shared.crypto.settings import KeySettings
from shared.messages.settings import MessageSettings
from shared.storage.locations import ArchiveStoreSettings


class VerifySettings(KeySettings, MessageSettings, ArchiveStoreSettings):
    """What verify needs to know."""

    verify_cores: int | None = Field(
        default=None, ge=1, le=256, description="Cores that verify uses, in each process; unset: all it may run on."
    )
    verify_md5: bool = Field(
        default=True, description="Take the MD5 of the plaintext too; without it verify is nearly twice as fast."
    )
