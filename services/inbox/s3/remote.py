"""Bodies on to an S3 server, as they come: streamed over kept connections, signed without their digest."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from ssl import create_default_context
from typing import Any

import aiohttp
from yarl import URL

from services.inbox.s3.body import BLOCK, IncomingBody
from services.inbox.s3.requests import Pairs
from services.inbox.s3.sigv4 import signed_headers, uri_encoded
from shared.errors import ConfigurationError, StrongroomError
from shared.storage.errors import StoreRefused, StoreUnavailable, UploadMissing
from shared.storage.settings import S3Settings

_CONNECT_SECONDS = 5.0
_STORE_SECONDS = 120.0
"""Longest time in which the store takes a piece, or answers at the end; the client's own pace does not count."""
_KEPT_SECONDS = 15.0
"""Less than servers keep an idle connection: a body cannot be sent a second time."""
_LONGEST_ANSWER = 64 * 1024
_CODE = re.compile(rb"<Code>(\w{1,64})</Code>")
_PASSING = frozenset({b"BadDigest", b"IncompleteBody", b"OperationAborted", b"RequestTimeout", b"SlowDown"})
_MISSING = frozenset({b"NoSuchUpload", b"NoSuchKey"})
"""Ceph names the object, not the upload, as what is missing."""


class S3Sink:
    """One bucket on an S3 server; lives on one event loop."""

    def __init__(self, bucket: str, account: S3Settings) -> None:
        base = URL(account.endpoint)
        if base.host is None:
            raise ConfigurationError("an S3 endpoint is http:// or https:// with a host and perhaps a port")
        self._base = base
        self._bucket = bucket
        self._account = account
        self._session: aiohttp.ClientSession | None = None

    async def put(self, key: str, body: IncomingBody) -> str:
        """Store an object."""
        return await self._send(key, (), body)

    async def put_part(self, key: str, upload_id: str, number: int, body: IncomingBody) -> str:
        """Store a part."""
        return await self._send(key, (("partNumber", str(number)), ("uploadId", upload_id)), body)

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def _send(self, key: str, query: Pairs, body: IncomingBody) -> str:
        path = f"/{self._bucket}/{key}"
        whole = await body.whole() if body.size <= BLOCK else None
        source = _Source(body)
        try:
            async with asyncio.timeout(_STORE_SECONDS) as limit:
                data = source.octets(limit) if whole is None else whole
                return await self._exchange(path, query, data, body.size)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if source.error is not None:
                raise source.error from None
            raise StoreUnavailable(f"no answer from the store: {type(error).__name__}") from error

    async def _exchange(self, path: str, query: Pairs, data: Any, size: int) -> str:  # noqa: ANN401 - aiohttp's word
        async with self._open().put(
            self._url(path, query),
            data=data,
            headers=self._headers(path, query, size),
            skip_auto_headers=("Content-Type", "User-Agent", "Accept", "Accept-Encoding"),
            allow_redirects=False,
        ) as answer:
            return await _tag(answer)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            tls = create_default_context(cafile=_text(self._account.ca_cert)) if self._base.scheme == "https" else True
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEPT_SECONDS, ssl=tls),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session

    def _url(self, path: str, query: Pairs) -> URL:
        text = "&".join(f"{name}={uri_encoded(value)}" for name, value in query)
        origin = f"{self._base.scheme}://{self._base.authority}"
        return URL(f"{origin}{uri_encoded(path, safe='/')}" + (f"?{text}" if text else ""), encoded=True)

    def _headers(self, path: str, query: Pairs, size: int) -> dict[str, str]:
        account = self._account
        signed = signed_headers(
            "PUT",
            self._base.authority,
            path,
            query,
            access_key=account.access_key.get_secret_value(),
            secret_key=account.secret_key.get_secret_value(),
            region=account.region,
        )
        return {**signed, "content-length": str(size)}


class _Source:
    """The body as the HTTP client wants it, which hides what went wrong in it."""

    def __init__(self, body: IncomingBody) -> None:
        self._body = body
        self.error: StrongroomError | None = None

    async def octets(self, limit: asyncio.Timeout) -> AsyncIterator[memoryview]:
        """Yield the pieces; the limit stands still while the client is waited for."""
        now = asyncio.get_running_loop().time
        limit.reschedule(None)
        try:
            async for pieces in self._body.pieces():
                limit.reschedule(now() + _STORE_SECONDS)
                for piece in pieces:
                    yield piece
                limit.reschedule(None)
        except StrongroomError as error:
            self.error = error
            raise
        limit.reschedule(now() + _STORE_SECONDS)


async def _tag(answer: aiohttp.ClientResponse) -> str:
    if answer.status == 200:
        await answer.release()
        return answer.headers.get("ETag", "").strip('"')
    found = _CODE.search(await answer.content.read(_LONGEST_ANSWER))
    code = found[1] if found else b"nothing"
    if code in _MISSING:
        raise UploadMissing
    passing = answer.status >= 500 or code in _PASSING
    raise (StoreUnavailable if passing else StoreRefused)(
        f"the store answered {code.decode()} (status {answer.status})"
    )


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
