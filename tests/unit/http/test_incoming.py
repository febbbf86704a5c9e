"""Large bodies that are read past the parser: whole and in order, and the connection serves on behind them."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256

import pytest
from starlette.types import Receive, Scope, Send

from shared.http.incoming import BLOCK
from shared.http.protocol import connection_of
from shared.http.server import HttpFront

BODY = os.urandom(3 * BLOCK + 1000)
GAP = 0.3
ANSWER = b"HTTP/1.1 200 OK\r\n"


@dataclass
class Reader:
    """Answers with the digest of the body; `wants` are the bytes after which it has enough."""

    wants: int = 1 << 62
    #: of each body that was read past the parser: how it ended
    ends: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = int(dict(scope["headers"])[b"content-length"])
        digest = await self._large(scope, size) if size > BLOCK else await self._small(receive)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"64")]})
        await send({"type": "http.response.body", "body": digest.encode()})

    async def _large(self, scope: Scope, size: int) -> str:
        body, digest, taken = connection_of(scope).large_body(scope, size), sha256(), 0
        assert body is not None
        try:
            while taken < self.wants and (block := await body.block(GAP)):
                digest.update(block)
                taken += len(block)
                body.release(block)
        except (TimeoutError, ConnectionError) as error:
            self.ends.append(type(error).__name__)
        else:
            self.ends.append("read")
        self.over.set()
        return digest.hexdigest()

    async def _small(self, receive: Receive) -> str:
        return sha256((await receive())["body"]).hexdigest()


@contextmanager
def connected(reader: Reader) -> Iterator[socket.socket]:
    front = HttpFront(reader, address="127.0.0.1:0", name="front")
    front.start()
    try:
        with closing(socket.create_connection(front.address, timeout=10)) as connection:
            yield connection
    finally:
        front.stop()


def request(body: bytes, more: str = "") -> bytes:
    return f"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


def answer(connection: socket.socket) -> str:
    """Return the body of the next answer."""
    told = b""
    while len(told.partition(b"\r\n\r\n")[2]) < 64:
        piece = connection.recv(1)
        assert piece, told
        told += piece
    assert told.startswith(ANSWER), told
    return told.partition(b"\r\n\r\n")[2].decode()


def test_bodies_come_whole_one_after_the_other_on_one_connection() -> None:
    with connected(Reader()) as connection:
        for body in (BODY, b"small", BODY[:-1], BODY):
            connection.sendall(request(body))
            assert answer(connection) == sha256(body).hexdigest()


def test_what_follows_at_once_is_the_next_request() -> None:
    with connected(Reader()) as connection:
        sender = threading.Thread(target=connection.sendall, args=(request(BODY) + request(b"small") + request(BODY),))
        sender.start()
        assert [answer(connection) for _ in range(3)] == [sha256(body).hexdigest() for body in (BODY, b"small", BODY)]
        sender.join()


def test_client_that_asks_first_is_told_to_go_on() -> None:
    with connected(Reader()) as connection:
        connection.sendall(request(BODY, "Expect: 100-continue\r\n")[: -len(BODY)])
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        assert answer(connection) == sha256(BODY).hexdigest()


def test_rest_of_a_body_that_is_not_wanted_is_passed_over() -> None:
    with connected(Reader(wants=1)) as connection:
        for body in (BODY * 4, b"small", BODY):
            connection.sendall(request(body))
            answer(connection)
        connection.sendall(request(b"small"))
        assert answer(connection) == sha256(b"small").hexdigest()


def test_client_that_goes_away_is_told_as_gone() -> None:
    reader = Reader()
    with connected(reader) as connection:
        connection.sendall(request(BODY)[:-1])
        connection.close()
        assert reader.over.wait(10)
    assert reader.ends == ["ConnectionResetError"]


def test_client_that_stands_still_is_told_as_silent_and_a_slow_one_is_not() -> None:
    reader = Reader()
    with connected(reader) as connection:
        sent, rest = request(BODY)[: -2 * BLOCK], BODY[-2 * BLOCK :]
        connection.sendall(sent)
        for byte in range(8):
            assert not reader.over.wait(GAP / 4)
            connection.sendall(rest[byte : byte + 1])
        assert reader.over.wait(10)
    assert reader.ends == ["TimeoutError"]


@pytest.mark.parametrize("pieces", [1, 1000])
def test_reader_that_is_behind_makes_its_client_wait(pieces: int) -> None:
    with connected(Reader()) as connection:
        raw = request(BODY * 8)
        step = len(raw) // pieces + 1
        for start in range(0, len(raw), step):
            connection.sendall(raw[start : start + step])
        assert answer(connection) == sha256(BODY * 8).hexdigest()
