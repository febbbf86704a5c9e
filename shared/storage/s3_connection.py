"""Connections to an S3 server of our own, for an event loop that passes bodies on, either way (ADR 14).

A general HTTP client copies and queues each piece some more times, which costs a tenth of the speed of a large
download and half the time of a small one.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import cast

import httptools

from shared.errors import StrongroomError
from shared.storage.errors import StoreUnavailable
from shared.storage.s3_errors import refusal
from shared.storage.streams import PIECE, SILENT_SECONDS

_MOST_HEAD = 64 * 1024
_MOST_ERROR = 64 * 1024
_HEAD_SECONDS = 60.0
_KEPT_SECONDS = 15.0
"""Less than servers keep an idle connection: not every body can be sent a second time."""
_END = b"</Error>"
_LONG = 1024 * 1024
"""Bytes of which the kernel passes on the rest: for fewer it is not worth a pipe."""


class StaleConnection(StoreUnavailable):
    """The server had closed a kept connection before it took the request: another one will do."""


class StoreConnection(asyncio.Protocol):
    """One connection to the server, for one request after the other.

    The server is told to wait while more than a piece is here that nobody has taken.
    """

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._queued = 0
        self._paused = False
        self._raw = False
        self._lost = False
        self._full = False
        self._heard = asyncio.get_running_loop().time()
        self._news: asyncio.Future[None] | None = None
        self._answer = _Answer()
        self._left = 0

    # ---- what the event loop says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        # what is sent is not copied on its way; TLS of uvloop, which copies, takes 0 as reached from the start
        self._transport.set_write_buffer_limits(high=1 if transport.get_extra_info("sslcontext") else 0)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._lost = True
        self._tell()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._tell()

    def data_received(self, data: bytes) -> None:
        self._heard = asyncio.get_running_loop().time()
        if not self._answer.complete:
            data = self._answer.feed(data)
            if self._answer.broken:
                self._transport.abort()
            self._left = self._answer.length
        if data and self._answer.complete:
            self._queue(data)
        self._tell()

    # ---- what its user says

    @property
    def usable(self) -> bool:
        """Whether it can take a request."""
        return self._open and asyncio.get_running_loop().time() < self._heard + _KEPT_SECONDS

    @property
    def _open(self) -> bool:
        return not self._lost and not self._transport.is_closing()

    @property
    def idle(self) -> bool:
        """Whether the last answer has been read to its end, and another request may follow."""
        return self._answer.keeps and not self._left and not self._queued and self._open

    def discard(self) -> None:
        """Close it, at once and without waiting."""
        self._transport.abort()

    async def ask(self, request: bytes, length: int) -> None:
        """Send a GET for so many bytes, and wait for the head of the answer. Raises as `StreamingStore.stream` does."""
        self.begin()
        self._transport.write(request)
        await self._answered(_HEAD_SECONDS)
        if self._answer.length != length:
            raise StoreUnavailable("the archived body is shorter than it was when it was archived")

    def begin(self) -> None:
        """Begin a request with a body: what it consists of, its head first, is given to `send`."""
        self._answer = _Answer()
        self._left = 0

    async def send(self, pieces: Iterable[bytes | memoryview]) -> None:
        """Send what follows of a request; when this returns the server's side has all of it, and nothing is kept here.

        Raises StoreUnavailable, and what the server answers before it has all.
        """
        self._transport.writelines(pieces)
        while self._full and not self._lost and not self._answer.complete:
            await self._wait(SILENT_SECONDS)
        if self._answer.complete:
            raise await self._refusal(self._answer)
        if self._lost:
            raise self._broken()

    async def stored(self) -> str:
        """Wait for the answer behind a body; return the tag of what was stored. Raises as `send` does."""
        await self._answered(SILENT_SECONDS)
        while await self.piece():
            pass
        return self._answer.tag

    async def _answered(self, seconds: float) -> None:
        while not self._answer.complete:
            if self._lost:
                raise self._broken()
            await self._wait(seconds)
        if self._answer.status not in {200, 206}:
            raise await self._refusal(self._answer)

    def _broken(self) -> StoreUnavailable:
        return StaleConnection() if self._answer.untouched else StoreUnavailable("the store broke off")

    async def piece(self) -> bytes:
        """Return the next piece of the answer; an empty one only at its end. Raises StoreUnavailable."""
        while not self._pieces:
            if not self._left or self._raw:
                return b""
            if self._lost:
                raise StoreUnavailable(f"the body broke off {self._left} bytes before its end")
            await self._wait(SILENT_SECONDS)
        piece = self._pieces.popleft()
        self._queued -= len(piece)
        if self._paused and not self._raw and self._queued < PIECE // 2:
            self._read_on()
        return piece

    @property
    def is_raw(self) -> bool:
        """Whether the rest of the answer is long, and lies as it is in the socket."""
        return self._left >= _LONG and self._open and not self._transport.get_extra_info("sslcontext")

    def fileno(self) -> int:
        """Return the descriptor of the socket."""
        return int(self._transport.get_extra_info("socket").fileno())

    def stop_reading(self) -> None:
        """Leave the rest of the answer in the socket, for others to take from there."""
        self._paused = self._raw = True
        self._transport.pause_reading()

    def taken(self, count: int) -> None:
        """Take note that so many bytes of the answer were taken from the socket."""
        self._left -= count
        if not self._left:
            self._raw = False
            self._read_on()

    def _read_on(self) -> None:
        self._paused = False
        self._transport.resume_reading()

    def _queue(self, data: bytes) -> None:
        if len(data) > self._left:
            self._transport.abort()  # more than was asked for: whatever it is, it is not to be passed on
            data = data[: self._left]
        self._left -= len(data)
        self._queued += len(data)
        self._pieces.append(data)
        if self._queued > PIECE and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    async def _refusal(self, answer: "_Answer") -> StrongroomError:
        """Read what the server says of an error, as far as it matters; the connection is not used again."""
        answer.keeps = False
        told = b""
        with suppress(StoreUnavailable):
            while len(told) < _MOST_ERROR and _END not in told and (piece := await self.piece()):
                told += piece
        return refusal(answer.status, told)

    async def _wait(self, seconds: float) -> None:
        """Wait until there is news. Raises StoreUnavailable when none comes."""
        loop = asyncio.get_running_loop()
        self._news = news = loop.create_future()
        timer = loop.call_later(seconds, self._transport.abort)
        try:
            await news
        finally:
            timer.cancel()
            self._news = None

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


class _Answer:
    """The head of an answer, and what it says about the body."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._head = b""
        self.complete = False
        self.broken = False
        self.status = 0
        self.length = 0
        self.tag = ""
        self.keeps = True

    @property
    def untouched(self) -> bool:
        """Whether not a byte of it has come."""
        return not self._head and not self.complete

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the head; return those behind it."""
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            self.broken = len(self._head) > _MOST_HEAD
            return b""
        head, rest = self._head[: end + 4], self._head[end + 4 :]
        try:
            self._parser.feed_data(head)
        except httptools.HttpParserError:
            self.broken = True
            return b""
        self.status = self._parser.get_status_code()
        self.complete = True
        return rest

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take what the parser has read."""
        name = name.lower()
        if name == b"content-length" and value.isdigit():
            self.length = int(value)
        elif name == b"etag":
            self.tag = value.decode("latin-1").strip('"')
        elif name == b"transfer-encoding":
            # only errors come in chunks; their code is found all the same, and then the connection is closed
            self.length = _MOST_ERROR
            self.keeps = False
        elif name == b"connection" and value.lower() == b"close":
            self.keeps = False
