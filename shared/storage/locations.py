"""Settings of the node's stores."""

from pathlib import Path

from pydantic import Field, SecretStr

from shared.settings import Settings
from shared.storage.metered import MeteredStore
from shared.storage.port import ObjectStore
from shared.storage.settings import S3Settings, open_store

_WHERE = "`s3://BUCKET` or `dir:/PATH`"


class S3AccountSettings(Settings):
    """The account on the S3 server of the stores that are in S3."""

    s3_endpoint: str | None = Field(default=None, description="URL of the S3 server.", examples=["http://minio:9000"])
    s3_access_key: SecretStr | None = Field(default=None, description="Access key there.")
    s3_secret_key: SecretStr | None = Field(default=None, description="Secret key there.")
    s3_region: str = Field(default="us-east-1", description="Region of the buckets.")
    s3_ca_cert: Path | None = Field(default=None, description="CA certificates (PEM), if not those of the system.")

    def store(self, location: str, *, threads: int = 8) -> ObjectStore:
        """Open a store, measured, for so many threads at once; raises ConfigurationError."""
        return MeteredStore(open_store(location, self.account(), threads=threads))

    def account(self) -> S3Settings | None:
        """Return the account; None if there is none."""
        if self.s3_endpoint is None or self.s3_access_key is None or self.s3_secret_key is None:
            return None
        return S3Settings(
            endpoint=self.s3_endpoint,
            access_key=self.s3_access_key,
            secret_key=self.s3_secret_key,
            region=self.s3_region,
            ca_cert=self.s3_ca_cert,
        )


class InboxStoreSettings(S3AccountSettings):
    """Where uploads are."""

    inbox: str = Field(description=f"Store of the uploads: {_WHERE}.", examples=["s3://inbox"])


class ArchiveStoreSettings(S3AccountSettings):
    """Where archived bodies are."""

    archive: str = Field(description=f"Store of the archived bodies: {_WHERE}.", examples=["s3://archive"])


class ExportStoreSettings(S3AccountSettings):
    """Where what readers had exported is."""

    exports: str | None = Field(
        default=None,
        description=f"Store of the exports, which readers reach without this node: {_WHERE}; none: no exports.",
        examples=["s3://exports"],
    )


class BackupStoreSettings(S3AccountSettings):
    """Where the backup copies are, perhaps on another S3 server."""

    backup: str | None = Field(
        default=None, description=f"Store of the backup copies: {_WHERE}; none: no backup.", examples=["s3://backup"]
    )
    backup_s3_endpoint: str | None = Field(default=None, description="URL of its S3 server, if it is another.")
    backup_s3_access_key: SecretStr | None = Field(default=None, description="Access key there.")
    backup_s3_secret_key: SecretStr | None = Field(default=None, description="Secret key there.")

    def backup_store(self) -> ObjectStore | None:
        """Open the store of the backups; raises ConfigurationError."""
        if self.backup is None:
            return None
        if self.backup_s3_endpoint is None:
            return self.store(self.backup)
        account = S3AccountSettings(
            s3_endpoint=self.backup_s3_endpoint,
            s3_access_key=self.backup_s3_access_key,
            s3_secret_key=self.backup_s3_secret_key,
            s3_region=self.s3_region,
            s3_ca_cert=self.s3_ca_cert,
        )
        return account.store(self.backup)
