"""Settings of the inbox."""

from pathlib import Path

from pydantic import Field

from shared.access.directory import DirectorySettings
from shared.storage.locations import InboxStoreSettings


class InboxSettings(DirectorySettings, InboxStoreSettings):
    """How submitters reach the inbox, and how long it waits for them."""

    sftp_address: str = Field(
        default="127.0.0.1:2222",
        pattern=r"^(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+):[0-9]{1,5}$",
        description="Host and port where the SFTP front listens; port 0 takes a free one.",
        examples=["0.0.0.0:2222", "[::]:2222"],
    )
    sftp_host_key: Path = Field(
        description="Private host key of the SFTP front, in OpenSSH form; its public half is what clients remember.",
        examples=["/run/secrets/ssh_host_ed25519_key"],
    )
    sftp_open_uploads: int = Field(
        default=64,
        ge=1,
        description="Files being uploaded at once; each takes up to 48 MiB of memory, above 40 GiB up to 512 MiB.",
    )
    inbox_abandoned_days: float = Field(
        default=14, gt=0, description="An interrupted upload that nobody went on with for so many days is dropped."
    )

    @property
    def sftp_endpoint(self) -> tuple[str, int]:
        """Host and port where to listen."""
        host, _, port = self.sftp_address.rpartition(":")
        return host.strip("[]"), int(port)
