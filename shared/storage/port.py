"""The port to object stores: what the services know of S3 and of directories."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol, TypeAlias


class Reader(Protocol):
    """A body that is being read."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill `buffer` from its start and return the number of bytes; fewer than fit is no end, 0 is the end."""
        ...


class Stat(NamedTuple):
    """Size in bytes, and an opaque tag (without quotes) that changes when the object is replaced."""

    size: int
    etag: str


class Part(NamedTuple):
    """One part of an upload: number from 1 to 10,000, size in bytes, tag (without quotes; usually MD5 in hex)."""

    number: int
    size: int
    etag: str


Parts: TypeAlias = list[Part]


class UnfinishedUpload(NamedTuple):
    """An upload in parts that was neither completed nor aborted; `started` knows its time zone."""

    key: str
    upload_id: str
    started: datetime


class ObjectStore(Protocol):
    """One bucket, or one folder that behaves like a bucket.

    Every call that reaches the store may raise StoreUnavailable (try later) or StoreRefused (the operator has to act).
    Objects appear whole or not at all, and last once the call has returned. Several threads may use one store.
    """

    @property
    def name(self) -> str:
        """Name of the bucket or folder, for metrics labels and locations."""
        ...

    def put(self, key: str, source: Reader, size: int) -> Stat:
        """Store exactly `size` bytes of `source`; if it ends before, raise IncompleteBody and store nothing."""
        ...

    def open(self, key: str, offset: int = 0, length: int | None = None) -> AbstractContextManager[Reader]:
        """Read `length` bytes from `offset` (None: to the end); what lies past the end of the object is left out.

        A body that breaks off raises StoreUnavailable in `readinto`: 0 means that all is read. Raises ObjectMissing.
        """
        ...

    def stat(self, key: str) -> Stat:
        """Size and tag of an object. Raises ObjectMissing."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; a missing one is fine."""
        ...

    def list(self, prefix: str = "") -> Iterator[str]:
        """Keys that start with `prefix`, in the order of their bytes."""
        ...

    def can_copy_from(self, source: "ObjectStore") -> bool:
        """Tell whether `copy_range` works from `source`."""
        ...

    def copy_range(
        self, source: "ObjectStore", source_key: str, offset: int, length: int, key: str, *, head: bytes = b""
    ) -> Stat:
        """Make an object of `head` and a range of an object of `source`, which is copied inside the store.

        No more of the range passes through this process than the store asks for beside a head. A large copy goes on
        where a killed process has left it, so `key` must stand for the same bytes for ever (see `resumed`).

        Raises ObjectMissing for a missing source, IncompleteBody for a range that reaches past its end,
        ValueError for a source it cannot copy from.
        """
        ...

    def presigned_get(self, key: str, expires: timedelta) -> str | None:
        """Return a URL with which anybody can read the object for a while; None if the store has no URLs."""
        ...

    def check(self) -> None:
        """Really ask the store whether it is there and lets us in."""
        ...

    def start_upload(self, key: str) -> str:
        """Begin an upload in parts and return its id; nothing is seen under `key` before it is completed."""
        ...

    def put_part(self, key: str, upload_id: str, number: int, body: bytes | bytearray | memoryview) -> Part:
        """Store a part, or replace it; the store checks the bytes it gets by a digest. Raises UploadMissing."""
        ...

    def list_parts(self, key: str, upload_id: str) -> Parts:
        """Parts stored so far, by number. Raises UploadMissing."""
        ...

    def complete_upload(self, key: str, upload_id: str, parts: Sequence[Part]) -> Stat:
        """Make the object of these parts, in the order of their numbers; all but the last have 5 MiB or more.

        A repeated call is fine as long as the object is still the one it made. Raises UploadMissing.
        """
        ...

    def abort_upload(self, key: str, upload_id: str) -> None:
        """Drop an upload and its parts; a missing one is fine."""
        ...

    def unfinished_uploads(self, key: str | None = None) -> Iterator[UnfinishedUpload]:
        """Uploads that were started, and neither completed nor aborted: those of one key, or all."""
        ...


def unwrapped(store: ObjectStore) -> ObjectStore:
    """Return the store itself, without the wrappers around it (a wrapper names what it wraps `wrapped`)."""
    inner: ObjectStore | None = getattr(store, "wrapped", None)
    return store if inner is None else unwrapped(inner)
