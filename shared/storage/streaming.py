"""Which stream an archive is read by, where an event loop reads it."""

from concurrent.futures import Executor

from shared.storage.port import ObjectStore, unwrapped
from shared.storage.s3 import S3Store
from shared.storage.s3_stream import S3StreamingStore
from shared.storage.settings import S3Settings, required_account
from shared.storage.streams import StreamingStore
from shared.storage.threaded_streams import ThreadedStore


def streaming(
    archive: ObjectStore, account: S3Settings | None, threads: Executor, *, public_endpoint: str | None = None
) -> StreamingStore:
    """Open a store for an event loop; where it is a folder, `threads` read from it.

    public_endpoint: URL of the S3 server as readers know it, for the addresses given to them. Raises
    ConfigurationError.
    """
    if isinstance(unwrapped(archive), S3Store):
        return S3StreamingStore(required_account(account), archive.name, public_endpoint=public_endpoint)
    return ThreadedStore(archive, threads)
