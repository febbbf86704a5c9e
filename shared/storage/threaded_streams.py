"""Any object store, read piece by piece by whichever of some threads is free: none of them waits for a reader."""

import asyncio
from concurrent.futures import Executor
from contextlib import ExitStack
from itertools import cycle

from shared.storage.errors import StoreUnavailable
from shared.storage.port import ObjectStore
from shared.storage.streams import PIECE

_BUFFERS = 3
"""One that the server still holds, one that it is given, one that is read meanwhile."""


class ThreadedStore:
    """Streams the objects of a store that knows no event loop."""

    def __init__(self, store: ObjectStore, threads: Executor) -> None:
        self._store = store
        self._threads = threads

    async def stream(self, key: str, offset: int, length: int) -> "ThreadedBody":
        """Open the object and read its first piece. Raises ObjectMissing, StoreUnavailable, StoreRefused."""
        body = ThreadedBody(self._store, self._threads, key, offset, length)
        try:
            await body.begin()
        except BaseException:
            body.close()
            raise
        return body

    def address(self, method: str, key: str, *, seconds: int) -> str | None:  # noqa: ARG002
        """Return None: threads are for stores without addresses."""
        return None

    def close(self) -> None:
        """Nothing stays open."""


class ThreadedBody:
    """A range of a body; the next piece is read while the last one is on its way.

    Buffers are used in turn: a piece is good until the second one after it has been asked for.
    """

    def __init__(self, store: ObjectStore, threads: Executor, key: str, offset: int, length: int) -> None:
        self._store = store
        self._threads = threads
        self._range = key, offset, length
        self._left = length
        count = min(_BUFFERS, -(-length // PIECE))
        self._buffers = cycle([memoryview(bytearray(min(PIECE, length))) for _ in range(count)])
        self._held = ExitStack()
        self._reading: asyncio.Future[memoryview] | None = None

    async def begin(self) -> None:
        """Open the body, and read the first piece."""
        self._read_on()
        if self._reading is not None:
            await asyncio.shield(self._reading)

    async def piece(self) -> bytes | memoryview:
        """Return the next piece; an empty one only behind the last byte. Raises StoreUnavailable."""
        if self._reading is None:
            return b""
        piece = await asyncio.shield(self._reading)
        self._read_on()
        return piece

    def raw(self) -> None:
        """Return None: it comes by no socket."""

    def close(self) -> None:
        """Let the store go; a read that is under way does it when it ends."""
        reading, self._reading = self._reading, None
        if reading is None or reading.done():
            self._held.close()
        else:
            reading.add_done_callback(self._ended)

    def _ended(self, reading: "asyncio.Future[memoryview]") -> None:
        if not reading.cancelled():
            reading.exception()  # nobody else will ask for it
        self._held.close()

    def _read_on(self) -> None:
        """Begin to read the next piece, if there is one."""
        loop = asyncio.get_running_loop()
        self._reading = loop.run_in_executor(self._threads, self._next) if self._left else None

    def _next(self) -> memoryview:
        if self._left == self._range[2]:
            self._body = self._held.enter_context(self._store.open(*self._range))
        piece, filled = next(self._buffers)[: self._left], 0
        while filled < len(piece):
            count = self._body.readinto(piece[filled:])
            if not count:
                raise StoreUnavailable("the archived body is shorter than it was when it was archived")
            filled += count
        self._left -= filled
        return piece
