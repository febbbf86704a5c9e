"""The checksums that S3 clients send with a body (Amazon S3 User Guide, "Checking object integrity")."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Protocol

from awscrt import checksums as crt

from services.inbox.s3.errors import S3Error

PREFIX = "x-amz-checksum-"


class Hasher(Protocol):
    """A digest that grows with the body."""

    def update(self, data: memoryview, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc:
    def __init__(self, function: Callable[[memoryview, int], int], size: int) -> None:
        self._function = function
        self._size = size
        self._value = 0

    def update(self, data: memoryview, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


ALGORITHMS: Mapping[str, Callable[[], Hasher]] = {
    "crc32": lambda: _Crc(crt.crc32, 4),
    "crc32c": lambda: _Crc(crt.crc32c, 4),
    "crc64nvme": lambda: _Crc(crt.crc64nvme, 8),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
}


def checksum_header(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """Return algorithm and value of the checksum among some headers. Raises S3Error for two, or an unknown one."""
    names = [name for name in headers if name.startswith(PREFIX) and name not in _ABOUT]
    if not names:
        return None
    if len(names) > 1:
        raise S3Error("InvalidRequest", "a body has one x-amz-checksum header")
    return _algorithm(names[0]), headers[names[0]]


_ABOUT = frozenset({f"{PREFIX}algorithm", f"{PREFIX}type", f"{PREFIX}mode"})


def announced_algorithm(trailer: str | None) -> str | None:
    """Return the algorithm of the checksum that is to follow the body, by `x-amz-trailer`. Raises S3Error."""
    return _algorithm(trailer.strip().lower()) if trailer else None


def _algorithm(header: str) -> str:
    algorithm = header.removeprefix(PREFIX)
    if not header.startswith(PREFIX) or algorithm not in ALGORITHMS:
        raise S3Error("InvalidRequest", f"{header[:64]} is none of {', '.join(PREFIX + name for name in ALGORITHMS)}")
    return algorithm


def decoded_md5(header: str) -> bytes:
    """Read Content-MD5 (RFC 1864). Raises S3Error."""
    try:
        value = base64.b64decode(header, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != 16:
        raise S3Error("InvalidDigest", "Content-MD5 is the MD5 of the body, in base64")
    return value


def encoded(digest: bytes) -> str:
    """Write a checksum as S3 does."""
    return base64.b64encode(digest).decode()


def same(expected: str | bytes, found: str | bytes) -> bool:
    """Compare two digests."""
    return hmac.compare_digest(
        expected.encode() if isinstance(expected, str) else expected,
        found.encode() if isinstance(found, str) else found,
    )
