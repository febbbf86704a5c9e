"""Bodies on their way to a store that misbehaves, or from a client that does: no object appears by halves."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import SecretStr

from services.inbox.s3.body import IncomingBody
from services.inbox.s3.errors import ClientGone, S3Error
from services.inbox.s3.payload import Payload
from services.inbox.s3.remote import S3Sink
from services.inbox.s3.sources import SMALL as LEAST
from services.inbox.s3.sources import Received
from shared.storage.errors import StoreRefused, StoreUnavailable, UploadMissing
from shared.storage.settings import S3Settings

STORED = b'HTTP/1.1 200 OK\r\nETag: "0123"\r\nContent-Length: 0\r\n\r\n'
SMALL, LARGE = b"small", bytes(range(256)) * (LEAST // 64)
Story = Callable[[S3Sink], Awaitable[None]]


def refusal(status: str, code: str) -> bytes:
    body = f"<Error><Code>{code}</Code></Error>"
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


class Store:
    """Answers each request with the next of some answers; None closes the connection instead.

    early: it answers when the head has come, and does nothing with the body.
    """

    def __init__(self, *answers: bytes | None, early: bool = False) -> None:
        self._answers = list(answers)
        self._early = early
        self.connections = 0
        self.objects: list[bytes] = []
        self.heads: list[bytes] = []
        self.broken_off = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._serve_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            self.broken_off.set()
        finally:
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        if not self._early:
            size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            self.objects.append(await reader.readexactly(size))
        answer = self._answers.pop(0)
        if answer is None:
            return False
        writer.write(answer)
        await writer.drain()
        if self._early:
            await reader.read()
        return not self._early


def run(store: Store, story: Story) -> None:
    async def play() -> None:
        listening = await asyncio.start_server(store.serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        account = S3Settings(
            endpoint=f"http://127.0.0.1:{port}", access_key=SecretStr("key"), secret_key=SecretStr("secret")
        )
        sink = S3Sink("bucket", account)
        try:
            await story(sink)
        finally:
            await sink.close()
            await asyncio.sleep(0.01)
            listening.close()

    asyncio.run(play())


def body(content: bytes, *, sha256: str | None = None, ends: bool = True) -> IncomingBody:
    """Make a body that comes in two pieces; unless it `ends`, its client goes away instead of sending the second."""
    half = len(content) // 2
    last = {"type": "http.request", "body": content[half:]} if ends else {"type": "http.disconnect"}
    messages: list[Any] = [{"type": "http.request", "body": content[:half], "more_body": True}, last]

    async def receive() -> Any:
        return messages.pop(0)

    return IncomingBody(Payload(len(content), sha256=sha256), Received(receive), ThreadPoolExecutor(1), gap_seconds=5)


@pytest.mark.parametrize("content", [b"", SMALL, LARGE])
def test_body_is_stored_and_its_connection_used_again(content: bytes) -> None:
    store = Store(STORED, STORED)

    async def story(sink: S3Sink) -> None:
        assert await sink.put("key", body(content, sha256=hashlib.sha256(content).hexdigest())) == "0123"
        assert await sink.put_part("key", "a+b/c", 7, body(content)) == "0123"

    run(store, story)
    assert store.objects == [content, content]
    assert store.connections == 1
    assert store.heads[1].startswith(b"PUT /bucket/key?partNumber=7&uploadId=a%2Bb%2Fc HTTP/1.1\r\n")


def test_small_body_that_meets_a_closed_connection_is_sent_again_once() -> None:
    store = Store(STORED, None, STORED, None, None)

    async def story(sink: S3Sink) -> None:
        for _ in range(2):
            assert await sink.put("key", body(SMALL)) == "0123"
        with pytest.raises(StoreUnavailable):
            await sink.put("key", body(SMALL))

    run(store, story)
    assert store.connections == 3


@pytest.mark.parametrize("content", [SMALL, LARGE])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal("403 Forbidden", "AccessDenied"), StoreRefused),
        (refusal("404 Not Found", "NoSuchUpload"), UploadMissing),
        (refusal("404 Not Found", "NoSuchKey"), UploadMissing),
        (refusal("400 Bad Request", "IncompleteBody"), StoreUnavailable),
        (refusal("503 Slow Down", "SlowDown"), StoreUnavailable),
        (b"SSH-2.0-OpenSSH\r\n\r\n", StoreUnavailable),
    ],
)
@pytest.mark.parametrize("early", [False, True])
def test_refusal_of_the_store_is_told_as_what_it_is(
    content: bytes, answer: bytes, error: type[Exception], early: bool
) -> None:
    async def story(sink: S3Sink) -> None:
        with pytest.raises(error):
            await sink.put_part("key", "id", 1, body(content))

    run(Store(answer, early=early), story)


@pytest.mark.parametrize("content", [SMALL, LARGE])
def test_body_that_is_not_right_does_not_reach_the_store_whole(content: bytes) -> None:
    store = Store(STORED)

    async def story(sink: S3Sink) -> None:
        with pytest.raises(S3Error, match="changed on its way"):
            await sink.put("key", body(content, sha256="0" * 64))
        with pytest.raises(ClientGone):
            await sink.put("key", body(content, ends=False))
        await sink.put("key", body(SMALL))

    run(store, story)
    assert store.objects == [SMALL]
