"""Requests byte by byte, where a client would not do: bodies that are changed, broken off, or slow."""

import http.client
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from shared.access.credentials import S3Credentials


def signed_headers(
    credentials: S3Credentials, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> dict[str, str]:
    """Return the headers of a request that botocore has signed."""
    request = AWSRequest(method=method, url=url, data=body, headers=dict(headers or {}))
    auth = _auth(S3SigV4Auth, credentials)
    mode = (headers or {}).get("x-amz-content-sha256")
    if mode is not None:
        # botocore signs every body over plain HTTP
        auth.payload = lambda _: mode
    auth.add_auth(request)
    return {name: str(value) for name, value in request.headers.items()}


def presigned_url(credentials: S3Credentials, method: str, url: str, seconds: int = 60) -> str:
    """Return a URL that botocore has signed."""
    request = AWSRequest(method=method, url=url)
    _auth(S3SigV4QueryAuth, credentials, expires=seconds).add_auth(request)
    return str(request.url)


def send(
    method: str, url: str, headers: Mapping[str, str], body: bytes | Iterable[bytes] = b""
) -> tuple[int, str, bytes]:
    """Send a request as it is; give status, S3's code (empty for none) and body of the answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    length = {"Content-Length": str(len(body))} if isinstance(body, bytes) else {}
    try:
        connection.request(method, target, body, {**length, **headers})
        with connection.getresponse() as answer:
            content = answer.read()
            return answer.status, code_of(content), content
    finally:
        connection.close()


@contextmanager
def opened(method: str, url: str, headers: Mapping[str, str]) -> Iterator[socket.socket]:
    """Send the head of a request, and leave its body to the caller."""
    parts = urlsplit(url)
    host, _, port = parts.netloc.partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        lines = [f"{method} {parts.path} HTTP/1.1", f"Host: {parts.netloc}", *(f"{n}: {v}" for n, v in headers.items())]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        yield connection


def code_of(document: bytes) -> str:
    """Return the code of an error."""
    if not document.startswith(b"<?xml"):
        return ""
    return ET.fromstring(document).findtext("Code") or ""


def _auth(kind: Any, credentials: S3Credentials, **more: Any) -> Any:
    return kind(Credentials(credentials.access_key, credentials.secret_key), "s3", "us-east-1", **more)
