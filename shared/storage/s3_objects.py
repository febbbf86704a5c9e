"""Whole objects, read and written by one request each, on kept connections.

Everything else about a bucket is asked with the `minio` client. These two requests are what a small file costs: the
client needs two to three times the CPU time for them, more than all else that is done for such a file.
"""

import hashlib
import http.client
import ssl
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

from urllib3.util.wait import wait_for_read

from shared.storage.errors import StoreUnavailable
from shared.storage.s3_errors import refusal, wire_errors
from shared.storage.signing import Signer
from shared.storage.sizes import CHUNK

_EMPTY = hashlib.sha256(b"").hexdigest()
_MOST_ERROR = 64 * 1024
_OCTETS = "application/octet-stream"


class S3Objects:
    """GET and PUT of one bucket. Nothing is sent twice; several threads may use it at once.

    kept: connections kept open. connect_seconds, read_seconds: see `S3Store`.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        bucket: str,
        signer: Signer,
        secure: bool,
        ca_cert: Path | None,
        kept: int,
        connect_seconds: float,
        read_seconds: float,
    ) -> None:
        url = urlsplit(f"//{endpoint}")
        self._place = url.hostname or "", url.port
        self._bucket = quote(bucket)
        self._signer = signer
        self._tls = ssl.create_default_context(cafile=ca_cert) if secure else None
        self._connect_seconds, self._read_seconds = connect_seconds, read_seconds
        self._kept = kept
        self._idle: deque[http.client.HTTPConnection] = deque()
        weakref.finalize(self, _close_all, self._idle)

    def put(self, key: str, body: memoryview) -> str:
        """Store an object and return its tag; the server checks the SHA-256 of what it gets."""
        headers = {"content-length": str(body.nbytes), "content-type": _OCTETS}
        with self._asked("PUT", key, headers, body) as answer:
            with wire_errors():
                answer.read()
            return (answer.headers.get("ETag") or "").strip('"')

    @contextmanager
    def get(self, key: str, offset: int = 0, length: int | None = None) -> Iterator["S3Body"]:
        """Read a range of an object. Raises ObjectMissing; nothing is there to be read behind its end."""
        headers = {}
        if offset or length is not None:
            headers["range"] = f"bytes={offset}-{'' if length is None else offset + length - 1}"
        with self._asked("GET", key, headers) as answer:
            if headers and answer.status == 200:
                raise StoreUnavailable("the store did not heed the range")
            yield S3Body(answer)

    @contextmanager
    def _asked(
        self, method: str, key: str, headers: dict[str, str], body: memoryview | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request; the connection is kept if the answer was read to its end."""
        path = f"/{self._bucket}/{quote(key)}"
        digest = _EMPTY if body is None else hashlib.sha256(body).hexdigest()
        connection = self._connection()
        try:
            with wire_errors():
                connection.request(method, path, body, {**self._signer.headers(method, path, digest), **headers})
                answer = connection.getresponse()
            _check(answer)
            yield answer
        except BaseException:
            connection.close()
            raise
        self._keep(connection, answer)

    def _connection(self) -> http.client.HTTPConnection:
        while self._idle:
            connection = self._idle.pop()
            # what can be read from an idle connection is its end
            if connection.sock is not None and not wait_for_read(connection.sock, timeout=0):
                return connection
            connection.close()
        return self._connected()

    def _connected(self) -> http.client.HTTPConnection:
        host, port = self._place
        connection = (
            http.client.HTTPConnection(host, port, timeout=self._connect_seconds)
            if self._tls is None
            else http.client.HTTPSConnection(host, port, timeout=self._connect_seconds, context=self._tls)
        )
        with wire_errors():
            connection.connect()
        connection.sock.settimeout(self._read_seconds)
        return connection

    def _keep(self, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse) -> None:
        if answer.isclosed() and not answer.will_close and len(self._idle) < self._kept:
            self._idle.append(connection)
        else:
            connection.close()


class S3Body:
    """The body of an answer. Raises StoreUnavailable."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self._answer = answer
        self.is_empty = answer.status == http.client.REQUESTED_RANGE_NOT_SATISFIABLE
        if self.is_empty:
            with wire_errors():
                answer.read()

    @property
    def length(self) -> int:
        """Bytes that the answer promises. Raises StoreUnavailable where it does not say."""
        length = self._answer.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise StoreUnavailable("the store does not say how long the body is")
        return int(length)

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill up to 1 MiB of `buffer`."""
        with wire_errors():
            return self._answer.readinto(buffer[:CHUNK])


def _close_all(connections: deque[http.client.HTTPConnection]) -> None:
    while connections:
        connections.pop().close()


def _check(answer: http.client.HTTPResponse) -> None:
    if answer.status >= 300 and answer.status != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
        with wire_errors():
            told = answer.read(_MOST_ERROR)
        raise refusal(answer.status, told)
