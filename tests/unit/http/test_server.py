"""An HTTP front: what it refuses by itself, and that it starts and stops in order."""

import asyncio
import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from starlette.types import Receive, Scope, Send

from shared.errors import ConfigurationError
from shared.http.protocol import Limits, connection_of
from shared.http.server import HttpFront

LIMITS = Limits(head_bytes=4096, head_seconds=0.3)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the number of bytes of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


async def gathered(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer in three messages, with a pause before the last."""
    with connection_of(scope).gathered():
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"6")]})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"two", "more_body": True})
    await asyncio.sleep(0.1)
    await send({"type": "http.response.body", "body": b""})


async def never(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(3600)


@pytest.fixture
def front() -> Iterator[HttpFront]:
    with serving(HttpFront(echo, address="127.0.0.1:0", name="front", limits=LIMITS)) as front:
        yield front


@contextmanager
def serving(front: HttpFront) -> Iterator[HttpFront]:
    front.start()
    try:
        yield front
    finally:
        front.stop()


def ask(front: HttpFront, raw: bytes) -> bytes:
    """Send bytes and return all that comes until the server closes."""
    with closing(socket.create_connection(front.address, timeout=5)) as connection:
        connection.sendall(raw)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def test_front_serves_until_it_is_stopped() -> None:
    front = HttpFront(echo, address="127.0.0.1:0", name="front")
    with serving(front):
        assert front.alive
        with closing(http.client.HTTPConnection(*front.address, timeout=5)) as connection:
            connection.request("POST", "/", body=b"x" * 100_000)
            assert connection.getresponse().read() == b"100000"
    assert not front.alive
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(front.address, timeout=5)


def test_address_in_use_is_told_by_start(front: HttpFront) -> None:
    host, port = front.address
    second = HttpFront(echo, address=f"{host}:{port}", name="second")
    with pytest.raises(ConfigurationError, match="cannot listen"):
        second.start()
    assert not second.alive


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 5000 + b"\r\n\r\n",
        b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-Some: 1\r\n" * 500 + b"\r\n",
        b"GET / HTTP/1.1\r\nX-Endless: " + b"x" * 100_000,
    ],
)
def test_large_head_is_refused(front: HttpFront, head: bytes) -> None:
    assert ask(front, head).startswith(b"HTTP/1.1 431 ")


def test_head_below_the_limit_is_served_with_a_body_above_it(front: HttpFront) -> None:
    head = b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 90000\r\nX-Long: " + b"x" * 3900 + b"\r\n\r\n"
    assert ask(front, head + b"y" * 90_000).endswith(b"\r\n\r\n90000")


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\nHost:"])
def test_slow_head_is_cut_off(front: HttpFront, start: bytes) -> None:
    began = time.monotonic()
    assert ask(front, start) == b""
    assert time.monotonic() - began < 3


def test_what_is_not_http_is_refused(front: HttpFront) -> None:
    assert ask(front, b"\x16\x03\x01 hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_what_is_gathered_goes_out_together() -> None:
    with (
        serving(HttpFront(gathered, address="127.0.0.1:0", name="front")) as front,
        closing(socket.create_connection(front.address, timeout=5)) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.recv(65536).endswith(b"\r\n\r\nonetwo")


def test_stop_does_not_wait_for_ever() -> None:
    front = HttpFront(never, address="127.0.0.1:0", name="front", graceful_seconds=1)
    with serving(front), closing(socket.create_connection(front.address, timeout=5)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        began = time.monotonic()
        front.stop()
        assert not front.alive
        assert time.monotonic() - began < 5
