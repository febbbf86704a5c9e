"""Bytes that the kernel passes from one socket to another: they never come into this process (ADR 20).

Driven by an event loop, without a thread. The sockets stay with whoever reads or writes them otherwise, who leaves them
alone meanwhile.
"""

import asyncio
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from shared.storage.errors import StoreUnavailable
from shared.storage.streams import PIECE, SILENT_SECONDS

_FLAGS = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK

Watch = Callable[..., Any]


class SinkGone(Exception):
    """The receiver has gone, or has taken nothing for too long."""


class Splice:
    """A pipe between a source and a sink, both of them descriptors of sockets that do not block."""

    def __init__(self, source: int, sink: int, pipe: tuple[int, int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._source = source
        self._sink = sink
        self._reader, self._writer = pipe
        self._held = 0

    async def some(self, most: int, *, stall_seconds: float) -> int:
        """Pass on some bytes of the next `most`, and return how many the sink has taken.

        Raises StoreUnavailable when the source ends or falls silent, and SinkGone, also when the sink stalls.
        """
        await asyncio.sleep(0)  # hundreds of readers who begin at a time hold up nobody else
        if not self._held:
            self._held = await self._taken(most)
        sent = await self._given(stall_seconds)
        self._held -= sent
        return sent

    async def _taken(self, most: int) -> int:
        loop = self._loop
        try:
            count = await self._moved(
                (self._source, self._writer, most), (loop.add_reader, loop.remove_reader, self._source), SILENT_SECONDS
            )
        except OSError as error:  # TimeoutError is one of them
            raise StoreUnavailable(f"the body broke off: {type(error).__name__}") from error
        if not count:
            raise StoreUnavailable("the body broke off before its end")
        return count

    async def _given(self, seconds: float) -> int:
        loop = self._loop
        try:
            return await self._moved(
                (self._reader, self._sink, self._held), (loop.add_writer, loop.remove_writer, self._sink), seconds
            )
        except OSError as error:
            raise SinkGone from error

    async def _moved(self, move: tuple[int, int, int], watch: tuple[Watch, Watch, int], seconds: float) -> int:
        while True:
            try:
                return os.splice(*move, flags=_FLAGS)
            except BlockingIOError:
                async with asyncio.timeout(seconds):
                    await self._ready(*watch)

    async def _ready(self, add: Watch, remove: Watch, descriptor: int) -> None:
        ready = self._loop.create_future()
        add(descriptor, _tell, ready)
        try:
            await ready
        finally:
            remove(descriptor)


@contextmanager
def splice(source: int, sink: int) -> Iterator[Splice | None]:
    """Connect two sockets; None: the process has no descriptors left for that."""
    with ExitStack() as held:
        try:
            reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
            _closed_by(held, reader)
            _closed_by(held, writer)
            # the event loop watches no descriptor that one of its transports has
            near, far = (_closed_by(held, os.dup(descriptor)) for descriptor in (source, sink))
        except OSError:
            yield None
            return
        with suppress(OSError):  # more pipes than a user may have at this size: the smaller one does it, too
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIECE)
        yield Splice(near, far, (reader, writer))


def _closed_by(held: ExitStack, descriptor: int) -> int:
    held.callback(os.close, descriptor)
    return descriptor


def _tell(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
