"""The kernel passes bytes on from socket to socket: all of them, in order, and it is told how that went wrong."""

import asyncio
import os
import resource
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import uvloop

from shared.storage.errors import StoreUnavailable
from shared.storage.splice import SinkGone, Splice, splice

CONTENT = os.urandom(3_000_000)


class Ends:
    """The far ends of a source and a sink, and a splice between the near ones."""

    def __init__(self, store: socket.socket, reader: socket.socket, pipe: Splice | None) -> None:
        self.store = store
        self.reader = reader
        self.pipe = pipe

    async def all(self, *, stall_seconds: float = 20) -> int:
        """Pass on all of the content; return how often it took."""
        left, times = len(CONTENT), 0
        while left:
            assert self.pipe is not None
            left -= await self.pipe.some(left, stall_seconds=stall_seconds)
            times += 1
        return times


@contextmanager
def ends() -> Iterator[Ends]:
    with ExitStack() as stack:
        pairs = [tuple(map(stack.enter_context, socket.socketpair())) for _ in range(2)]
        for end in (*pairs[0], *pairs[1]):
            end.setblocking(False)
        (source, store), (sink, reader) = pairs
        yield Ends(store, reader, stack.enter_context(splice(source.fileno(), sink.fileno())))


def run(story: Callable[[Ends], Awaitable[None]]) -> None:
    async def told() -> None:
        with ends() as all_ends:
            await story(all_ends)

    uvloop.run(told())


async def taken(reader: socket.socket, *, pause: float = 0) -> bytes:
    loop, content = asyncio.get_running_loop(), b""
    while len(content) < len(CONTENT):
        content += await loop.sock_recv(reader, 100_000)
        await asyncio.sleep(pause)
    return content


@pytest.mark.parametrize("pause", [0, 0.005])
def test_all_bytes_come_in_order(pause: float) -> None:
    async def story(given: Ends) -> None:
        loop = asyncio.get_running_loop()
        got, _, _ = await asyncio.gather(
            taken(given.reader, pause=pause), given.all(), loop.sock_sendall(given.store, CONTENT)
        )
        assert got == CONTENT

    run(story)


def test_source_that_ends_early_is_unavailable() -> None:
    async def story(given: Ends) -> None:
        given.store.send(b"x")
        given.store.close()
        with pytest.raises(StoreUnavailable):
            await given.all()
        assert given.reader.recv(10) == b"x"

    run(story)


def test_sink_that_goes_is_told_while_its_next_byte_waits() -> None:
    async def story(given: Ends) -> None:
        sending = asyncio.ensure_future(asyncio.get_running_loop().sock_sendall(given.store, CONTENT))
        passing = asyncio.ensure_future(given.all())
        await asyncio.sleep(0.05)
        given.reader.close()
        with pytest.raises(SinkGone):
            await passing
        sending.cancel()

    run(story)


def test_sink_that_takes_nothing_for_too_long_counts_as_gone() -> None:
    async def story(given: Ends) -> None:
        sending = asyncio.ensure_future(asyncio.get_running_loop().sock_sendall(given.store, CONTENT))
        with pytest.raises(SinkGone):
            await given.all(stall_seconds=0.1)
        sending.cancel()

    run(story)


def test_without_descriptors_there_is_no_splice_and_nothing_is_left_open() -> None:
    async def story(given: Ends) -> None:
        open_before = _open()
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        # room for the pipe and not for the rest
        resource.setrlimit(resource.RLIMIT_NOFILE, (_lowest_free() + 3, limits[1]))
        try:
            with splice(given.store.fileno(), given.reader.fileno()) as pipe:
                assert pipe is None
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert _open() == open_before

    run(story)


def _open() -> set[str]:
    return {descriptor.name for descriptor in Path("/proc/self/fd").iterdir()}


def _lowest_free() -> int:
    descriptor = os.dup(0)
    os.close(descriptor)
    return descriptor
