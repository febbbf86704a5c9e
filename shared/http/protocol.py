"""uvicorn's HTTP/1.1 protocol with the limits that it lacks."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, cast

import httptools
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from shared.http.incoming import LargeBody

_CONNECTION = "connection"
_FAREWELL_SECONDS = 0.5
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a client may cost us. A passport with its visas makes a head of tens of kilobytes.

    head_bytes, head_seconds: size of request line and headers, and the time they may take to arrive.
    stall_seconds: a client that takes not a single byte of an answer for so long is gone.
    """

    head_bytes: int = 64 * 1024
    head_seconds: float = 30
    stall_seconds: float = 600


class Connection(Protocol):
    """What an application may know of the connection that a request came by."""

    @property
    def gone(self) -> bool:
        """Whether the client can get no more of an answer."""
        ...

    def gathered(self) -> AbstractContextManager[None]:
        """Let what is sent in a block go out at its end, by one system call: each takes as long as 10 KiB of a body.

        For the start of an answer; the block waits for nothing else.
        """
        ...

    def socket(self) -> int | None:
        """Return the socket, for those who write to it what was not given to `send`; None: it speaks TLS.

        Only while nothing is queued: `send` returns before that, and waits for it at its next call.
        """
        ...

    def wrote(self, count: int) -> None:
        """Say that so many bytes of the answer's body were written to the socket."""
        ...

    @property
    def stall_seconds(self) -> float:
        """A client that takes not a single byte for so long is gone."""
        ...

    async def abort(self) -> None:
        """Be done with a client that is gone."""
        ...

    def large_body(self, scope: Scope, size: int) -> LargeBody | None:
        """Read the body of a request, of which nothing was received yet, past the parser.

        size: bytes of it, which is the request's Content-Length. None, and the body is to be received as usual, if it
        is here already, or over TLS.
        """
        ...


def connection_of(scope: Scope) -> Connection:
    """Return the connection of a request: asking it costs less than to wait for `http.disconnect` beside all else."""
    found: Connection = scope["state"][_CONNECTION]
    return found


class HeadTooLarge(Exception):
    """Tells the parser to stop."""


class _Gathering:
    """A transport that can hold back for a moment what is written."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held: list[bytes] | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the transport has
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._held is None:
            self._transport.write(data)
        else:
            self._held.append(data)

    @contextmanager
    def gathered(self) -> Iterator[None]:
        held: list[bytes] = []
        self._held = held
        try:
            yield
        finally:
            self._held = None
            self._transport.writelines(held)


class GuardedProtocol(HttpToolsProtocol):
    """One connection.

    What was given to `send` stays untouched in the transport until the next `send` goes on: no more than one message is
    queued. So an answer may use two buffers in turn.
    """

    def __init__(self, *arguments: Any, limits: Limits, **named: Any) -> None:  # noqa: ANN401 - uvicorn's business
        super().__init__(*arguments, **named)
        self._limits = limits
        self._in_head = True
        self._head = 0
        self._unparsed = 0
        self._lost = False
        self._large: LargeBody | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._gathering = _Gathering(transport)
        self.transport = cast("asyncio.Transport", self._gathering)
        # TLS of uvloop takes a limit of 0 as reached from the start, and has copied what it queues
        transport.set_write_buffer_limits(high=1 if transport.get_extra_info("sslcontext") else 0)
        self._head_timer = self.loop.call_later(self._limits.head_seconds, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        _cancel(self._head_timer)
        _cancel(self._stall_timer)
        self._lost = True
        super().connection_lost(exc)

    def large_body(self, scope: Scope, size: int) -> LargeBody | None:
        """Read the body of a request past the parser, if that may be."""
        cycle = self.cycle
        # the parser may be at the next request
        if cycle.scope is not scope or not cycle.more_body or self.transport.get_extra_info("sslcontext"):
            return None
        self._large = large = LargeBody(self, size)
        first, cycle.body = bytes(cycle.body), bytearray()
        if cycle.waiting_for_100_continue:
            cycle.waiting_for_100_continue = False
            self.transport.write(_CONTINUE)
        large.begin(first)
        self.flow.read_paused = False
        return large

    def body_has_come(self) -> None:
        """Parse what follows a body that was read past the parser."""
        self._large = None
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
        self.cycle.more_body = False
        self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        if self._large is not None:
            self._large.give_up()
        super().on_response_complete()

    def shutdown(self) -> None:
        super().shutdown()
        if self.transport.is_closing():
            # over TLS an idle client need not answer a close
            self.loop.call_later(_FAREWELL_SECONDS, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        self._unparsed += len(data)
        super().data_received(data)
        if not self._in_head:
            self._unparsed = 0
        elif self._unparsed > self._limits.head_bytes and not self.transport.is_closing():
            self._head = self._unparsed
            self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._head = 0
        _cancel(self._head_timer)
        self._head_timer = self.loop.call_later(self._limits.head_seconds, self.transport.abort)

        self.scope["state"][_CONNECTION] = self

    @property
    def gone(self) -> bool:
        """Whether the client can get no more of an answer."""
        return self._lost

    def gathered(self) -> AbstractContextManager[None]:
        """Let what is sent in a block go out at its end, by one system call."""
        return self._gathering.gathered()

    def socket(self) -> int | None:
        """Return the socket; None: it speaks TLS."""
        if self.transport.is_closing() or self.transport.get_extra_info("sslcontext"):
            return None
        return int(self.transport.get_extra_info("socket").fileno())

    def wrote(self, count: int) -> None:
        """Say that so many bytes of the answer's body were written to the socket."""
        self._answering.expected_content_length -= count

    @property
    def stall_seconds(self) -> float:
        """A client that takes not a single byte for so long is gone."""
        return self._limits.stall_seconds

    async def abort(self) -> None:
        """Be done with a client that is gone."""
        self.transport.abort()
        await asyncio.sleep(0)  # in the loop's next turn `connection_lost` is called

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401 - uvicorn's business
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        _cancel(self._head_timer)
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        if self._head <= self._limits.head_bytes:
            super().send_400_response(msg)
            return
        self.transport.write(STATUS_LINE[431] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        _cancel(self._stall_timer)
        super().resume_writing()

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > self._limits.head_bytes:
            raise HeadTooLarge

    def _watch(self, queued: int) -> None:
        self._stall_timer = self.loop.call_later(self._limits.stall_seconds, self._check_stall, queued)

    def _check_stall(self, queued: int) -> None:
        left = self.transport.get_write_buffer_size()
        if left < queued:
            self._watch(left)
        else:
            # close() would wait for the client to take what is queued
            self.transport.abort()


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
