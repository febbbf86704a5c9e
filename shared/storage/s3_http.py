"""Connections to an S3 server, and the bodies that come over them."""

from pathlib import Path

import urllib3
from urllib3.response import BaseHTTPResponse

from shared.storage.errors import StoreUnavailable
from shared.storage.s3_errors import s3_errors
from shared.storage.sizes import CHUNK


def connections(kept: int, ca_cert: Path | None, *, connect_seconds: float, read_seconds: float) -> urllib3.PoolManager:
    """Make a pool that keeps `kept` connections, never sends a request twice and follows no redirect."""
    return urllib3.PoolManager(
        maxsize=kept,
        timeout=urllib3.Timeout(connect=connect_seconds, read=read_seconds),
        retries=urllib3.Retry(total=0, redirect=False),
        cert_reqs="CERT_REQUIRED",
        ca_certs=str(ca_cert) if ca_cert else None,
    )


class ResponseBody:
    """The body of an answer, byte for byte as it was stored. Raises StoreUnavailable."""

    def __init__(self, response: BaseHTTPResponse) -> None:
        # an object that was stored with a Content-Encoding must not be decoded on its way
        response.decode_content = False
        self._response = response

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill up to 1 MiB of `buffer`: the HTTP client holds as much a second time."""
        with s3_errors():
            return self._response.readinto(buffer[:CHUNK])


def announced_length(response: BaseHTTPResponse, *, ranged: bool) -> int:
    """Return how many bytes the answer promises. Raises StoreUnavailable for an answer that is not to the question."""
    length = response.headers.get("Content-Length", "")
    if not length.isdecimal() or (ranged and response.status != 206):
        raise StoreUnavailable("the store does not say how long the body is, or did not heed the range")
    return int(length)
