"""The node's buckets are made before its services start; the services themselves never make one."""

from collections.abc import Iterator

from pydantic import Field

from shared.storage.locations import BackupStoreSettings
from shared.storage.port import ObjectStore, unwrapped
from shared.storage.s3 import S3Store


class BucketSettings(BackupStoreSettings):
    """The stores of which those in S3 are to have a bucket."""

    inbox: str | None = Field(default=None, description="Store of the uploads.")
    archive: str | None = Field(default=None, description="Store of the archived bodies.")
    exports: str | None = Field(default=None, description="Store of the exports.")


def ensure_buckets(settings: BucketSettings) -> tuple[str, ...]:
    """Make the buckets that are missing; return the names of all. Raises StoreRefused, StoreUnavailable."""
    buckets = [store for store in map(unwrapped, _stores(settings)) if isinstance(store, S3Store)]
    for bucket in buckets:
        bucket.ensure_bucket()
    return tuple(bucket.name for bucket in buckets)


def _stores(settings: BucketSettings) -> Iterator[ObjectStore]:
    for location in (settings.inbox, settings.archive, settings.exports):
        if location is not None:
            yield settings.store(location)
    backup = settings.backup_store()
    if backup is not None:
        yield backup
