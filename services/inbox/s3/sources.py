"""Where the bytes of a body come from."""

import asyncio
from typing import Protocol

from starlette.types import Receive, Scope

from shared.http.protocol import connection_of

SMALL = 256 * 1024
"""Bytes of a body, or of a block of one, below which the way past the parser is no gain."""


class Source(Protocol):
    """The bytes of one body, in blocks."""

    async def block(self, gap: float) -> memoryview:
        """Return the next block, an empty one at the end. Raises TimeoutError after `gap` seconds without a byte.

        Raises ConnectionError when the client is gone.
        """
        ...

    def release(self, block: memoryview) -> None:
        """Let the memory of a block be used again."""
        ...


class Received:
    """A body as an ASGI application receives it."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._more = True

    async def block(self, gap: float) -> memoryview:
        """Return the next block. Raises as `Source` does."""
        gathered: list[bytes] = []
        size = 0
        while self._more and size < SMALL:
            piece = await self._piece(gap)
            gathered.append(piece)
            size += len(piece)
        return memoryview(gathered[0] if len(gathered) == 1 else b"".join(gathered))

    def release(self, block: memoryview) -> None:
        """Do nothing: what was received is not used again."""

    async def _piece(self, gap: float) -> bytes:
        async with asyncio.timeout(gap):
            message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        self._more = message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        return piece


class RequestBody:
    """The body of a request: a large one comes past the parser where that can be."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self._chosen: Source | None = None

    async def block(self, gap: float) -> memoryview:
        """Return the next block. Raises as `Source` does."""
        if self._chosen is None:
            self._chosen = self._choose()
        return await self._chosen.block(gap)

    def release(self, block: memoryview) -> None:
        """Let the memory of a block be used again."""
        if self._chosen is not None:
            self._chosen.release(block)

    def _choose(self) -> Source:
        lengths = [value for name, value in self._scope["headers"] if name == b"content-length"]
        size = int(lengths[0]) if len(lengths) == 1 and lengths[0].isdigit() else 0
        large = connection_of(self._scope).large_body(self._scope, size) if size > SMALL else None
        return large or Received(self._receive)
