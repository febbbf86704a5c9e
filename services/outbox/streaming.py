"""A download as an HTTP answer: one read of the store for each piece, no thread while the reader takes his time."""

import asyncio
import time
from concurrent.futures import Executor
from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.outbox.combined import CombinedStream
from services.outbox.download import Download
from services.outbox.record import BROKEN, LEFT, RANGE, WHOLE, Record
from shared.errors import StrongroomError
from shared.storage.port import ObjectStore


@dataclass(frozen=True, kw_only=True)
class Sender:
    """What all downloads share: the store, the threads that may wait for it, the record."""

    archive: ObjectStore
    threads: Executor
    record: Record

    def answer(self, download: Download) -> "DownloadResponse":
        """Return the answer that sends a download."""
        return DownloadResponse(self, download)


class DownloadResponse(Response):
    """Sends header and body. Raises an error of the store as long as no byte was sent; later it breaks off."""

    def __init__(self, sender: Sender, download: Download) -> None:
        self.status_code = 206 if download.partial else 200
        self.background = None
        self.init_headers(headers_of(download))
        self._sender = sender
        self._download = download
        self._sent = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            await self._start(send)
            await send({"type": "http.response.body"})
            return
        began = time.perf_counter()
        gone = asyncio.ensure_future(_disconnected(receive))
        stream = CombinedStream(self._sender.archive, self._download)
        outcome = LEFT
        try:
            outcome = await self._stream(stream, send, gone)
        finally:
            stream.close()
            gone.cancel()
            if self._sent:
                seconds = time.perf_counter() - began
                self._sender.record.ended(self._download.file.id, outcome, sent=self._sent, seconds=seconds)

    async def _stream(self, stream: CombinedStream, send: Send, gone: "asyncio.Future[None]") -> str:
        """Send all pieces, each while the next is read, and say how it ended."""
        reading = self._read(stream)
        try:
            while reading is not None:
                piece = await reading
                reading = self._read(stream)
                if not self._sent:
                    await self._start(send)
                await send({"type": "http.response.body", "body": piece, "more_body": reading is not None})
                if gone.done():
                    return LEFT
                self._sent += len(piece)
        except StrongroomError as error:
            if not self._sent:
                raise
            self._sender.record.broke_off(self._download.file.id, error)
            # the server closes a connection whose answer was left unfinished: no client takes it for whole
            return BROKEN
        finally:
            _drop(reading)
        return RANGE if self._download.partial else WHOLE

    def _read(self, stream: CombinedStream) -> "asyncio.Future[memoryview] | None":
        """Begin to read the next piece; None at the end."""
        if not stream.remaining:
            return None
        return asyncio.get_running_loop().run_in_executor(self._sender.threads, stream.read)

    async def _start(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})


def _drop(reading: "asyncio.Future[memoryview] | None") -> None:
    """Want a read no more, however it ends."""
    if reading is not None and not reading.cancel() and not reading.cancelled():
        reading.exception()


async def _disconnected(receive: Receive) -> None:
    """Return when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def headers_of(download: Download) -> dict[str, str]:
    """Return the headers of the answer to a download."""
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Length": str(download.span.length),
        "Content-Disposition": content_disposition(download.file.path),
        "Accept-Ranges": "bytes",
        "ETag": download.etag,
        "Cache-Control": "private, no-store",
    }
    if download.partial:
        headers["Content-Range"] = download.span.content_range(download.size)
    return headers


def content_disposition(path: str) -> str:
    """Return the header that names the file after the last part of its path (RFC 6266, section 4.3)."""
    name = path.rpartition("/")[2]
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    extended = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{extended}'
