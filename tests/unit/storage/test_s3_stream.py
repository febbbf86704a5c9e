"""Our own client for bodies meets servers that misbehave: nothing short or wrong is passed on."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from shared.storage.errors import ObjectMissing, StoreRefused, StoreUnavailable
from shared.storage.metered import StoreMetrics
from shared.storage.s3_stream import S3StreamingStore
from shared.storage.settings import S3Settings

BODY = bytes(range(256)) * 40
Answer = Callable[[bytes], bytes | None]


def ok(body: bytes, *, length: int | None = None, head: str = "") -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 206 Partial Content\r\nContent-Length: {size}\r\n{head}\r\n".encode() + body


def refusal(status: str, code: str) -> bytes:
    body = f"<Error><Code>{code}</Code></Error>"
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


class Server:
    """Answers each request with the next of some answers; None closes the connection instead.

    breaks_off: the connection is closed behind every answer.
    """

    def __init__(self, *answers: bytes | None, breaks_off: bool = False) -> None:
        self._answers = list(answers)
        self._breaks_off = breaks_off
        self.connections = 0
        self.requests: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                answer = self._answers.pop(0)
                if answer is None:
                    break
                for start in range(0, len(answer), 1000):
                    writer.write(answer[start : start + 1000])
                    await writer.drain()
                if self._breaks_off:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def run(server: Server, story: Callable[[S3StreamingStore], Awaitable[None]]) -> None:
    async def play() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        account = S3Settings(
            endpoint=f"http://127.0.0.1:{port}", access_key=SecretStr("key"), secret_key=SecretStr("secret")
        )
        store = S3StreamingStore(account, "bucket", metrics=StoreMetrics(CollectorRegistry()))
        try:
            await story(store)
        finally:
            store.close()
            await asyncio.sleep(0.01)
            listening.close()

    asyncio.run(play())


async def read(store: S3StreamingStore, length: int = len(BODY)) -> bytes:
    body = await store.stream("key", 0, length)
    got = b""
    try:
        while len(got) < length:
            got += await body.piece()
        return got
    finally:
        body.close()


def test_connection_is_used_again() -> None:
    server = Server(ok(BODY), ok(BODY[:10]))

    async def story(store: S3StreamingStore) -> None:
        assert await read(store) == BODY
        assert await read(store, 10) == BODY[:10]

    run(server, story)
    assert server.connections == 1
    assert b"Range: bytes=0-9\r\n" in server.requests[1]


def test_connection_that_was_closed_meanwhile_is_replaced_once() -> None:
    server = Server(ok(BODY), None, ok(BODY), None, None)

    async def story(store: S3StreamingStore) -> None:
        for _ in range(2):
            assert await read(store) == BODY
        with pytest.raises(StoreUnavailable):
            await read(store)

    run(server, story)
    assert server.connections == 3


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal("404 Not Found", "NoSuchKey"), ObjectMissing),
        (refusal("403 Forbidden", "AccessDenied"), StoreRefused),
        (refusal("404 Not Found", "NoSuchBucket"), StoreRefused),
        (refusal("503 Slow Down", "SlowDown"), StoreUnavailable),
        (
            b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2b\r\n" + refusal("", "NoSuchKey")[-44:],
            ObjectMissing,
        ),
        (ok(BODY[:-1]), StoreUnavailable),
        (ok(BODY + b"x"), StoreUnavailable),
        (b"HTTP/1.1 200 OK\r\n\r\n", StoreUnavailable),
        (b"SSH-2.0-OpenSSH\r\n\r\n", StoreUnavailable),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, StoreUnavailable),
        (None, StoreUnavailable),
    ],
)
def test_what_is_no_answer_to_the_question_is_an_error_before_the_first_byte(
    answer: bytes | None, error: type[Exception]
) -> None:
    async def story(store: S3StreamingStore) -> None:
        with pytest.raises(error):
            await store.stream("key", 0, len(BODY))
        assert await read(store) == BODY

    run(Server(answer, *([None] if answer is None else []), ok(BODY)), story)


def test_body_that_breaks_off_is_an_error_not_an_end() -> None:
    async def story(store: S3StreamingStore) -> None:
        with pytest.raises(StoreUnavailable, match="broke off"):
            await read(store)

    run(Server(ok(BODY[:5000], length=len(BODY)), breaks_off=True), story)


def test_answer_that_was_not_read_to_its_end_costs_its_connection() -> None:
    server = Server(ok(BODY * 100), ok(BODY))

    async def story(store: S3StreamingStore) -> None:
        body = await store.stream("key", 0, len(BODY) * 100)
        await body.piece()
        body.close()
        assert await read(store) == BODY

    run(server, story)
    assert server.connections == 2
