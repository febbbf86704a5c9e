"""Bodies on to an S3 server, as they come: streamed over kept connections, signed without their digest."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from urllib.parse import quote, urlsplit

from services.inbox.s3.body import IncomingBody
from services.inbox.s3.sigv4 import UNSIGNED
from services.inbox.s3.sources import SMALL
from shared.errors import ConfigurationError
from shared.storage.errors import ObjectMissing, UploadMissing
from shared.storage.s3_connection import StaleConnection, StoreConnection
from shared.storage.s3_pool import StorePool
from shared.storage.settings import S3Settings
from shared.storage.signing import Signer


class S3Sink:
    """One bucket on an S3 server; lives on one event loop."""

    def __init__(self, bucket: str, account: S3Settings) -> None:
        self._host = urlsplit(account.endpoint).netloc
        if not self._host:
            raise ConfigurationError("an S3 endpoint is http:// or https:// with a host and perhaps a port")
        self._bucket = quote(bucket)
        self._pool = StorePool(account)
        self._signer = Signer(
            host=self._host,
            access_key=account.access_key.get_secret_value(),
            secret_key=account.secret_key.get_secret_value(),
            region=account.region,
            session_token=None if account.session_token is None else account.session_token.get_secret_value(),
        )

    async def put(self, key: str, body: IncomingBody) -> str:
        """Store an object."""
        return await self._sent(key, "", body)

    async def put_part(self, key: str, upload_id: str, number: int, body: IncomingBody) -> str:
        """Store a part."""
        try:
            return await self._sent(key, f"partNumber={number}&uploadId={quote(upload_id, safe='')}", body)
        except ObjectMissing as error:
            # Ceph names the object, not the upload, as what is missing
            raise UploadMissing from error

    async def close(self) -> None:
        """Close the connections that nobody uses."""
        self._pool.close()

    async def _sent(self, key: str, query: str, body: IncomingBody) -> str:
        head = self._head(key, query, body.size)
        if body.size > SMALL:
            return await self._streamed(head, body)
        whole = await body.whole()
        try:
            return await self._exchanged(head, whole, fresh=False)
        except StaleConnection:
            return await self._exchanged(head, whole, fresh=True)

    async def _exchanged(self, head: bytes, whole: bytes, *, fresh: bool) -> str:
        async with self._connection(fresh=fresh) as connection:
            await connection.send((head, whole))
            return await connection.stored()

    async def _streamed(self, head: bytes, body: IncomingBody) -> str:
        """Send what comes; whatever goes wrong breaks the connection off, so that no object appears."""
        async with self._connection() as connection, aclosing(body.pieces()) as parts:
            await connection.send((head,))
            async for pieces in parts:
                await connection.send(pieces)
            return await connection.stored()

    @asynccontextmanager
    async def _connection(self, *, fresh: bool = False) -> AsyncIterator[StoreConnection]:
        connection = await self._pool.take(fresh=fresh)
        good = False
        try:
            connection.begin()
            yield connection
            good = connection.idle
        finally:
            self._pool.give_back(connection, good=good)

    def _head(self, key: str, query: str, size: int) -> bytes:
        path = f"/{self._bucket}/{quote(key)}"
        headers = {**self._signer.headers("PUT", path, UNSIGNED, query), "content-length": str(size)}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"PUT {path}{'?' if query else ''}{query} HTTP/1.1\r\n{lines}\r\n".encode()
