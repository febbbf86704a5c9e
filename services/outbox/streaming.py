"""A download as an HTTP answer: piece by piece from the store, no faster than the reader takes it, without a thread."""

import time
from dataclasses import dataclass
from urllib.parse import quote

from starlette.types import Scope, Send

from services.outbox.download import Download, Part
from services.outbox.record import BROKEN, LEFT, RANGE, WHOLE, Recorder
from shared.access.audit import Access
from shared.errors import StrongroomError
from shared.http.protocol import connection_of
from shared.storage.splice import SinkGone, Splice, splice
from shared.storage.streams import BodyStream, RawBody, StreamingStore

_NOTHING = {"type": "http.response.body", "body": b"", "more_body": True}
_END = {"type": "http.response.body", "body": b"", "more_body": False}


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Sends downloads; what they share: the store and the record."""

    archive: StreamingStore
    record: Recorder

    async def send(self, download: Download, access: Access, scope: Scope, send: Send) -> None:
        """Answer with header and body. An error of the store is raised before the first byte; later it breaks off."""
        if scope["method"] == "HEAD":
            self.record.answered(access)
            await send(start_of(download))
            await send(_END)
            return
        began = time.perf_counter()
        self.record.begin(access)
        try:
            body, first = await self._body(download)
        except BaseException as error:
            self.record.not_given(access, error if isinstance(error, StrongroomError) else StrongroomError())
            raise
        delivery = _Delivery(download, access, scope, send, self.record)
        outcome = LEFT
        try:
            outcome = await delivery.deliver(first, body)
        finally:
            if body is not None:
                body.close()
            self.record.ended(access, outcome, sent=delivery.sent, seconds=time.perf_counter() - began)

    async def _body(self, download: Download) -> tuple[BodyStream | None, bytes | memoryview]:
        """Ask the store for what is wanted of the body, and for its first piece."""
        header = len(download.header)
        start, stop = max(0, download.span.start - header), download.span.stop - header
        if stop <= start:
            return None, b""
        body = await self.archive.stream(download.file.id, download.body.offset + start, stop - start)
        try:
            return body, await body.piece()
        except BaseException:
            body.close()
            raise


class _Delivery:
    """One answer, and how many bytes of it have gone to the reader's connection."""

    def __init__(self, download: Download, access: Access, scope: Scope, send: Send, record: Recorder) -> None:
        self.sent = 0
        self._download = download
        self._access = access
        self._connection = connection_of(scope)
        self._send = send
        self._record = record

    async def deliver(self, first: bytes | memoryview, body: BodyStream | None) -> str:
        """Send all, and say how it ended; `first` is the first piece of the body."""
        span = self._download.span
        with self._connection.gathered():
            await self._send(start_of(self._download))
            await self._give(self._download.header[span.start : span.stop])
            await self._give(first)
        try:
            if body is not None:
                await self._pass_on(body)
        except StrongroomError as error:
            self._record.broke_off(self._access, error)
            # the server closes a connection whose answer was left unfinished: no client takes it for whole
            return BROKEN
        # sent only when nothing is queued any more: then all has really gone
        await self._send(_END)
        if self._connection.gone:
            return LEFT
        return RANGE if self._download.partial else WHOLE

    async def _pass_on(self, body: BodyStream) -> None:
        """Send the rest of a body, by the kernel where the way from socket to socket is plain."""
        sink, raw = self._connection.socket(), body.raw()
        if sink is None or raw is None:
            await self._give_pieces(body)
            return
        with splice(raw.fileno(), sink) as pipe:
            if pipe is not None:
                raw.stop_reading()
            await self._give_pieces(body)
            if pipe is not None:
                await self._splice(raw, pipe)

    async def _give_pieces(self, body: BodyStream) -> None:
        while not self._connection.gone and (piece := await body.piece()):
            await self._give(piece)

    async def _splice(self, body: RawBody, pipe: Splice) -> None:
        await self._send(_NOTHING)  # when it returns, nothing is queued any more
        connection, whole = self._connection, self._download.span.length
        try:
            while not connection.gone and self.sent < whole:
                count = await pipe.some(whole - self.sent, stall_seconds=connection.stall_seconds)
                self.sent += count
                connection.wrote(count)
                body.taken(count)
        except SinkGone:
            await connection.abort()

    async def _give(self, piece: bytes | memoryview) -> None:
        if piece:
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
            if not self._connection.gone:
                self.sent += len(piece)


def start_of(download: Download) -> dict[str, object]:
    """Return the start of the answer to a download."""
    status = 206 if download.partial else 200
    return {"type": "http.response.start", "status": status, "headers": headers_of(download)}


def headers_of(download: Download) -> list[tuple[bytes, bytes]]:
    """Return the headers of the answer to a download."""
    headers = [
        (b"content-type", b"application/octet-stream"),
        (b"content-length", b"%d" % download.span.length),
        (b"etag", download.etag.encode()),
        (b"cache-control", b"private, no-store"),
    ]
    if download.part is Part.HEADER:
        headers.append((b"sda-content-etag", download.content_etag.encode()))
        return headers
    headers.append((b"accept-ranges", b"bytes"))
    headers.append((b"content-disposition", content_disposition(download.file.path).encode("latin-1")))
    if download.partial:
        headers.append((b"content-range", download.span.content_range(download.size).encode()))
    return headers


def content_disposition(path: str) -> str:
    """Return the header that names the file after the last part of its path (RFC 6266, section 4.3)."""
    name = path.rpartition("/")[2]
    if name.isascii() and name.isprintable() and not set('"\\%').intersection(name):
        return f'attachment; filename="{name}"'
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    extended = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{extended}'
