"""The port to archived bodies as an event loop reads them: many slow readers, and no thread for any of them.

What a service does to whole objects, at its own pace, goes through `shared.storage.port`.
"""

from typing import Protocol

PIECE = 256 * 1024
"""Bytes that are read ahead of a reader, and so what a stalled one costs; more of them are no faster."""


class BodyStream(Protocol):
    """A range of a body that comes in pieces. To be closed, however it ends."""

    async def piece(self) -> bytes | memoryview:
        """Return the next piece; an empty one only behind the last byte. Raises StoreUnavailable."""
        ...

    def close(self) -> None:
        """Let the store go, at once."""
        ...


class StreamingStore(Protocol):
    """The objects of one bucket or folder."""

    async def stream(self, key: str, offset: int, length: int) -> BodyStream:
        """Ask for exactly `length` bytes, one or more, from `offset`; return when the store has begun to answer.

        Raises ObjectMissing, StoreUnavailable (also for an object that ends before), StoreRefused.
        """
        ...

    def address(self, method: str, key: str, *, seconds: int) -> str | None:
        """Return a URL at which anybody may `GET` or `HEAD` this object for a while; None if the store has none."""
        ...

    def close(self) -> None:
        """Close the connections that nobody uses."""
        ...
