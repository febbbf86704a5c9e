"""Large bodies past the HTTP parser: read from the socket into blocks that are used again and again."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.http.protocol import GuardedProtocol

BLOCK = 512 * 1024
_WAITING = 2
"""Blocks that wait for their reader before the client has to."""
_SPARE = 32
"""Blocks that the process keeps for the bodies to come."""

_spare: deque[bytearray] = deque(maxlen=_SPARE)


class LargeBody(asyncio.BufferedProtocol):
    """A body of known size; it takes the place of the connection's protocol until all of it has come.

    The rest of one whose request has been answered is let in and thrown away.
    """

    def __init__(self, owner: "GuardedProtocol", size: int) -> None:
        self._owner = owner
        self._transport = owner.transport
        self._left = size
        self._ready: deque[memoryview] = deque()
        self._block = _fresh()
        self._filled = 0
        self._paused = False
        self._unwanted = False
        self._lost = False
        self._news: asyncio.Future[None] | None = None

    def begin(self, first: bytes) -> None:
        """Take the connection over; `first` has been read of the body already."""
        self._left -= len(first)
        if first:
            self._ready.append(memoryview(first))
        self._hand_over(self)

    async def block(self, gap: float) -> memoryview:
        """Return the next bytes, none only at the end, in a block that is to be released.

        gap: the longest time without a byte. Raises TimeoutError, and ConnectionError when the client is gone.
        """
        while not self._ready:
            if self._lost:
                raise ConnectionResetError
            if not self._left:
                return memoryview(b"")
            await self._wait(gap)
        found = self._ready.popleft()
        if self._paused and len(self._ready) < _WAITING:
            self._paused = False
            self._transport.resume_reading()
        return found

    def release(self, block: memoryview) -> None:
        """Let a block be used for other bytes."""
        if isinstance(block.obj, bytearray):
            _spare.append(block.obj)

    def give_up(self) -> None:
        """Want no more of it."""
        self._unwanted = True
        self._ready.clear()
        if self._paused:
            self._paused = False
            self._transport.resume_reading()

    # ---- what the event loop says

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        return memoryview(self._block)[self._filled : self._filled + self._left]

    def buffer_updated(self, nbytes: int) -> None:
        self._filled += nbytes
        self._left -= nbytes
        if self._unwanted:
            self._filled = 0
        elif self._filled == BLOCK or not self._left:
            self._ready.append(memoryview(self._block)[: self._filled])
            self._filled = 0
            if self._left:
                self._block = _fresh()
        if not self._left:
            self._hand_over(self._owner)
            self._owner.body_has_come()
        elif len(self._ready) >= _WAITING:
            self._paused = True
            self._transport.pause_reading()
        self._tell()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._owner.connection_lost(exc)
        self._tell()

    def pause_writing(self) -> None:
        self._owner.pause_writing()

    def resume_writing(self) -> None:
        self._owner.resume_writing()

    def _hand_over(self, protocol: asyncio.BaseProtocol) -> None:
        # uvloop decides when reading begins how it is done
        self._transport.pause_reading()
        self._transport.set_protocol(protocol)
        self._transport.resume_reading()

    async def _wait(self, seconds: float) -> None:
        self._news = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await self._news
        finally:
            self._news = None

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


def _fresh() -> bytearray:
    return _spare.pop() if _spare else bytearray(BLOCK)
