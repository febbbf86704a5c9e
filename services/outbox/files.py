"""The routes that give out bytes, as plain ASGI: a framework costs as much again as all that a small file needs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from services.outbox.asked import Head, place_of
from services.outbox.download import Download, Part, Prepare, Wanted
from services.outbox.limits import ReaderLimits
from services.outbox.record import REDIRECTED, SERVICE, Recorder
from services.outbox.streaming import Sender
from shared.access.audit import Access
from shared.access.grants import Grants, ReadableFile, Reader
from shared.access.readers import Readers
from shared.errors import StrongroomError
from shared.http.correlation import correlation_id
from shared.http.problems import Forbidden, MethodNotAllowed, as_http, problem

_FILES = b"/files/"
_PARTS = frozenset({b"header", b"content"})
_METHODS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, kw_only=True)
class FileRoutes:
    """`GET` and `HEAD` of `/files/{id}`, `/files/{id}/header` and `/files/{id}/content`; `others` answer all else.

    redirect_seconds: content is not passed on, but its reader sent to the store for so long; None: it is passed on.
    """

    others: ASGIApp
    readers: Readers
    limits: ReaderLimits
    grants: Grants
    prepare: Prepare
    sender: Sender
    record: Recorder
    redirect_seconds: int | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["raw_path"].startswith(_FILES):
            await self.others(scope, receive, send)
            return
        try:
            await self._answer(scope, send)
        except StrongroomError as error:
            told = as_http(error)
            self.record.refused(error, told)
            await problem(Request(scope), told)(scope, receive, send)

    async def _answer(self, scope: Scope, send: Send) -> None:
        if scope["method"] not in _METHODS:
            raise MethodNotAllowed("GET, HEAD")
        head = Head(scope["headers"])
        reader = await self.readers.reader(head.token)
        name, part = place_of(scope["raw_path"], _FILES, _PARTS)
        with self.limits.place(reader.user):
            file = await self.grants.file(reader, name)
            wanted = _wanted(scope, head, Part(part or Part.WHOLE))
            access = _access(scope, reader, name, wanted.part, file)
            try:
                download = self._decided(file, wanted)
            except StrongroomError as error:
                self.record.not_given(access, error)
                raise
            await self._give(download, replace(access, reader_key=download.reader_key), scope, send)

    def _decided(self, file: ReadableFile | None, wanted: Wanted) -> Download:
        """Prepare the download of a file; the refusal comes first, whatever else is wrong with the request."""
        if file is None:
            raise Forbidden
        return self.prepare(file, wanted)

    async def _give(self, download: Download, access: Access, scope: Scope, send: Send) -> None:
        if self.redirect_seconds is not None and download.is_plain_content and download.size:
            address = self.sender.archive.address(scope["method"], download.file.id, seconds=self.redirect_seconds)
            if address is not None:
                self.record.answered(access, REDIRECTED)
                await _redirect(address, send)
                return
        await self.sender.send(download, access, scope, send)


def _access(scope: Scope, reader: Reader, name: str, part: Part, file: ReadableFile | None) -> Access:
    return Access(
        service=SERVICE,
        user=reader.user,
        action=f"{scope['method']} {part}",
        target=name,
        file=None if file is None else file.id,
        correlation_id=correlation_id(scope),
    )


def _wanted(scope: Scope, head: Head, part: Part) -> Wanted:
    return Wanted(
        part=part,
        keys=head.keys,
        query=_query(scope),
        # a range asked for by its method alone: section 14.2 of RFC 9110 knows none for HEAD
        range=head.range if scope["method"] == "GET" else None,
        if_range=head.if_range,
    )


def _query(scope: Scope) -> Mapping[str, str]:
    raw = scope["query_string"]
    return dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True)) if raw else {}


async def _redirect(address: str, send: Send) -> None:
    headers = [(b"location", address.encode()), (b"content-length", b"0"), (b"cache-control", b"private, no-store")]
    await send({"type": "http.response.start", "status": 307, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
