"""Bodies from an S3 server, as an event loop reads them."""

import time

from prometheus_client import Counter

from shared.errors import StrongroomError
from shared.pool import Pool
from shared.storage.bodies import check_range
from shared.storage.metered import PROCESS_METRICS, StoreMetrics, outcome_of
from shared.storage.presigning import Presigner
from shared.storage.s3_connection import StaleConnection, StoreConnection
from shared.storage.s3_pool import StorePool
from shared.storage.settings import S3Settings

_REQUEST_SECONDS = 60


class S3StreamingStore:
    """One bucket on an S3 server; connections are kept, and a request that meets a closed one is sent again.

    public_endpoint: the server's URL as the readers know it, for the addresses given to them; None: the same.
    """

    def __init__(
        self,
        account: S3Settings,
        bucket: str,
        *,
        public_endpoint: str | None = None,
        metrics: StoreMetrics = PROCESS_METRICS,
    ) -> None:
        self._signing = _presigner(account, bucket, account.endpoint)
        self._public = _presigner(account, bucket, public_endpoint or account.endpoint)
        self._pool = StorePool(account)
        self._name = bucket
        self._metrics = metrics
        self._seconds = metrics.seconds.labels(bucket, "open")
        self._done = metrics.requests.labels(bucket, "open", "ok")
        self._read = metrics.bytes.labels(bucket, "read")

    async def stream(self, key: str, offset: int, length: int) -> "S3Body":
        """Ask for a range of an object. Raises ObjectMissing, StoreUnavailable, StoreRefused."""
        check_range(offset, length)
        target = self._signing.target("GET", key, seconds=_REQUEST_SECONDS)
        asked = f"Range: bytes={offset}-{offset + length - 1}"
        request = f"GET {target} HTTP/1.1\r\nHost: {self._signing.host}\r\n{asked}\r\n\r\n".encode()
        began = time.perf_counter()
        try:
            connection = await self._asked(request, length)
        except StrongroomError as error:
            self._metrics.requests.labels(self._name, "open", outcome_of(error)).inc()
            raise
        self._done.inc()
        self._seconds.observe(time.perf_counter() - began)
        return S3Body(connection, self._pool, self._read)

    def address(self, method: str, key: str, *, seconds: int) -> str:
        """Return a URL at which anybody may `GET` or `HEAD` this object, and it alone, for a while."""
        return self._public.endpoint + self._public.target(method, key, seconds=seconds)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self._pool.close()

    async def _asked(self, request: bytes, length: int) -> StoreConnection:
        """Send a request on a kept connection; on a new one should the server have closed that meanwhile."""
        try:
            return await self._asked_once(request, length, fresh=False)
        except StaleConnection:
            return await self._asked_once(request, length, fresh=True)

    async def _asked_once(self, request: bytes, length: int, *, fresh: bool) -> StoreConnection:
        connection = await self._pool.take(fresh=fresh)
        try:
            await connection.ask(request, length)
        except BaseException:
            self._pool.give_back(connection, good=False)
            raise
        return connection


class S3Body:
    """A range of a body; its connection is free for others as soon as the last byte has been taken."""

    def __init__(self, connection: StoreConnection, pool: Pool[StoreConnection], read: Counter) -> None:
        self._connection: StoreConnection | None = connection
        self._pool = pool
        self._read = read
        self._taken = 0

    async def piece(self) -> bytes | memoryview:
        """Return the next piece; an empty one only behind the last byte. Raises StoreUnavailable."""
        connection = self._connection
        if connection is None:
            return b""
        piece = await connection.piece()
        self._took(connection, len(piece))
        return piece

    def raw(self) -> "S3Body | None":
        """Return this if its rest is long, and not encrypted on its way."""
        return self if self._connection is not None and self._connection.is_raw else None

    def fileno(self) -> int:
        """Return the descriptor of the socket; -1 when all has been taken."""
        return -1 if self._connection is None else self._connection.fileno()

    def stop_reading(self) -> None:
        """Leave the rest in the socket."""
        if self._connection is not None:
            self._connection.stop_reading()

    def taken(self, count: int) -> None:
        """Say that so many bytes were taken from the socket."""
        if self._connection is not None:
            self._connection.taken(count)
            self._took(self._connection, count)

    def close(self) -> None:
        """Let the connection go; one with an answer that was not read to its end is of no use any more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._read.inc(self._taken)
            self._pool.give_back(connection, good=connection.idle)

    def _took(self, connection: StoreConnection, count: int) -> None:
        self._taken += count
        if connection.idle:
            self.close()


def _presigner(account: S3Settings, bucket: str, endpoint: str) -> Presigner:
    return Presigner(
        endpoint=endpoint,
        access_key=account.access_key.get_secret_value(),
        secret_key=account.secret_key.get_secret_value(),
        region=account.region,
        bucket=bucket,
    )
