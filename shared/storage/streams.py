"""The port to archived bodies as an event loop reads them: many slow readers, and no thread for any of them.

What a service does to whole objects, at its own pace, goes through `shared.storage.port`.
"""

from typing import Protocol

PIECE = 256 * 1024
"""Bytes that are read ahead of a reader, and so what a stalled one costs; more of them are no faster."""

SILENT_SECONDS = 120.0
"""A store that sends not a single byte of a body for so long is away."""


class BodyStream(Protocol):
    """A range of a body that comes in pieces. To be closed, however it ends."""

    async def piece(self) -> bytes | memoryview:
        """Return the next piece; an empty one only behind the last byte. Raises StoreUnavailable."""
        ...

    def raw(self) -> "RawBody | None":
        """Return this as one whose rest can be spliced; None: there is no socket, or too little left to be worth it."""
        ...

    def close(self) -> None:
        """Let the store go, at once."""
        ...


class RawBody(BodyStream, Protocol):
    """A range of a body that comes by a plain socket."""

    def fileno(self) -> int:
        """Return the descriptor of the socket."""
        ...

    def stop_reading(self) -> None:
        """Leave the rest in the socket: from now on an empty piece is behind the last one that is here already."""
        ...

    def taken(self, count: int) -> None:
        """Say that so many bytes were taken from the socket."""
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
