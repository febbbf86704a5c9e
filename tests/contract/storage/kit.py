"""What the promises need: bodies, buckets and faulty connections."""

import io
import random
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from shared.storage.copying import read_exactly
from shared.storage.port import ObjectStore, Reader, Stat
from shared.storage.s3 import S3Store
from shared.storage.sizes import MIB, PartSizes
from tests.stack.handles import S3Server

SMALL_PARTS = PartSizes(upload=5 * MIB, copy=5 * MIB)
Reopen = Callable[[], ObjectStore]


def body_of(size: int, seed: int = 1) -> bytes:
    """Make bytes that are the same for the same size and seed, and compress badly."""
    return random.Random(seed).randbytes(size)


def put(store: ObjectStore, key: str, body: bytes) -> Stat:
    """Store bytes."""
    return store.put(key, io.BytesIO(body), len(body))


def get(store: ObjectStore, key: str, offset: int = 0, length: int | None = None) -> bytes:
    """Read a range to its end."""
    with store.open(key, offset, length) as body:
        return drained(body)


def drained(body: Reader) -> bytes:
    """Read a body to its end, by pieces of an odd size."""
    buffer = memoryview(bytearray(70_001))
    found = bytearray()
    while count := body.readinto(buffer):
        found += buffer[:count]
    return bytes(found)


def head(body: Reader, size: int) -> bytes:
    """Read the first bytes of a body."""
    buffer = memoryview(bytearray(size))
    return bytes(buffer[: read_exactly(body, buffer)])


def eventually(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something holds, with a deadline."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not come to hold in time"
        time.sleep(0.02)


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket of its own for one test."""

    server: S3Server
    name: str

    def store(self, **settings: Any) -> S3Store:
        """Make a store on the bucket; `settings` replace those of the server."""
        account = {
            "endpoint": self.server.endpoint.rpartition("//")[2],
            "access_key": self.server.access_key,
            "secret_key": self.server.secret_key,
            "secure": self.server.endpoint.startswith("https:"),
        }
        return S3Store(**{"bucket": self.name, "part_sizes": SMALL_PARTS, **account, **settings})


@contextmanager
def new_bucket(server: S3Server) -> Iterator[Bucket]:
    """Make a bucket, and remove it with all that is in it."""
    bucket = Bucket(server=server, name=f"contract-{uuid.uuid4().hex[:12]}")
    store = bucket.store()
    store.ensure_bucket()
    try:
        yield bucket
    finally:
        for key in list(store.list()):
            store.delete(key)
        for upload in list(store.unfinished_uploads()):
            store.abort_upload(upload.key, upload.upload_id)
        store._client.remove_bucket(bucket.name)
