"""Settings of the inbox."""

from pathlib import Path

from pydantic import Field, SecretStr

from shared.access.directory import DirectorySettings
from shared.access.settings import AccessSettings
from shared.storage.locations import InboxStoreSettings

_ADDRESS = r"^(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+):[0-9]{1,5}$"


class SftpSettings(DirectorySettings, InboxStoreSettings):
    """How submitters reach the inbox by SFTP."""

    sftp_address: str | None = Field(
        default=None,
        pattern=_ADDRESS,
        description="Host and port where the SFTP front listens; port 0 takes a free one. Without it there is none.",
        examples=["0.0.0.0:2222", "[::]:2222"],
    )
    sftp_host_key: Path | None = Field(
        default=None,
        description="Private host key of the SFTP front, in OpenSSH form; its public half is what clients remember.",
        examples=["/run/secrets/ssh_host_ed25519_key"],
    )
    sftp_open_uploads: int = Field(
        default=64,
        ge=1,
        description="Files being uploaded at once; each takes up to 48 MiB of memory, above 40 GiB up to 512 MiB.",
    )


class S3FrontSettings(AccessSettings, InboxStoreSettings):
    """How submitters reach the inbox by S3; their tokens are believed as the settings of tokens say."""

    s3_address: str | None = Field(
        default=None,
        pattern=_ADDRESS,
        description="Host and port where the S3 front listens; port 0 takes a free one. Without it there is none.",
        examples=["0.0.0.0:8090"],
    )
    s3_certificate: Path | None = Field(
        default=None,
        description="Certificate of the S3 front (PEM, with those that vouch for it); without it the front speaks "
        "plain HTTP, behind a proxy that speaks TLS.",
    )
    s3_certificate_key: Path | None = Field(default=None, description="Private key of this certificate (PEM).")
    s3_gap_seconds: float = Field(
        default=120,
        gt=0,
        description="A client that sends no byte of a body for so long is cut off; a body as a whole has no limit.",
    )
    s3_bodies_per_user: int = Field(
        default=100, ge=1, description="Files and parts that one user may send at once to each process."
    )
    credentials_secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="Secret of the node that S3 credentials are made with, the same in all its processes; a new one "
        "ends all credentials that were issued.",
    )


class InboxSettings(SftpSettings, S3FrontSettings):
    """How submitters reach the inbox, how much it takes of them, and how long it waits for them."""

    inbox_abandoned_days: float = Field(
        default=14, gt=0, description="An interrupted upload that nobody went on with for so many days is dropped."
    )
    inbox_quota: int | None = Field(
        default=None,
        ge=1,
        description="Bytes that one user may have in the inbox, beyond which uploads are refused; none: as many "
        "as there is room for.",
    )
    inbox_header_keys: tuple[Path, ...] = Field(
        default=(),
        description="Private keys of the archive, without passphrase: with them an upload that is no Crypt4GH file, "
        "or is not for this archive, is refused while it comes. Without them ingest refuses it.",
        examples=['["/run/secrets/archive.sec"]'],
    )
