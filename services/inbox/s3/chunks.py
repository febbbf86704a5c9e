r"""Bodies in chunks, signed or not (Amazon S3 API Reference, "Transferring Payload in Multiple Chunks").

HEX-SIZE[;chunk-signature=HEX]\r\n DATA \r\n ... 0[;chunk-signature=HEX]\r\n [name:value\r\n ...] \r\n
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.inbox.s3.errors import S3Error
from services.inbox.s3.sigv4 import ALGORITHM, Signed, sign

_EMPTY = hashlib.sha256(b"").hexdigest()
_LONGEST_LINE = 1024
_MOST_TRAILERS = 16
_HEAD = re.compile(rb"([0-9a-fA-F]{1,10})(?:;chunk-signature=([0-9a-f]{64}))?")


class SignatureChain:
    """The signatures of the chunks of one body, each of which covers the one before."""

    def __init__(self, signed: Signed) -> None:
        self._signed = signed
        self._last = signed.signature

    def check_chunk(self, signature: str, digest: str) -> None:
        """Check the next chunk by the SHA-256 of its data. Raises S3Error."""
        self._check(signature, f"{ALGORITHM}-PAYLOAD", _EMPTY, digest)

    def check_trailer(self, signature: str, lines: bytes) -> None:
        """Check the trailing headers, each ended by a newline. Raises S3Error."""
        self._check(signature, f"{ALGORITHM}-TRAILER", hashlib.sha256(lines).hexdigest())

    def _check(self, signature: str, kind: str, *texts: str) -> None:
        signed = self._signed
        expected = sign(signed.key, kind, signed.at, signed.scope, self._last, *texts)
        if not hmac.compare_digest(expected, signature):
            raise S3Error("SignatureDoesNotMatch", "a piece of the body was changed on its way: send the file again")
        self._last = expected


@dataclass(frozen=True)
class Form:
    """How a body is cut: are its chunks signed, do headers follow; `chain` is None if nobody can check signatures."""

    signed: bool
    trailer: bool
    chain: SignatureChain | None


_Step = Callable[[memoryview, list[memoryview]], memoryview]
"""Takes bytes, adds to what was found, and returns the bytes that are left."""


class ChunkDecoder:
    """Takes the chunks apart, as they come in pieces of any length."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._line = bytearray()
        self._left = 0
        self._signature = ""
        self._hash: Any = None
        self._read: _Step = self._read_head
        self._trailers: list[tuple[str, str]] = []
        self.complete = False

    @property
    def trailers(self) -> dict[str, str]:
        """The headers that came behind the body, by their names in lower case."""
        return dict(self._trailers)

    def feed(self, data: memoryview) -> list[memoryview]:
        """Return the payload in these bytes. Raises S3Error."""
        found: list[memoryview] = []
        while data.nbytes and not self.complete:
            data = self._read(data, found)
        if data.nbytes:
            raise S3Error("InvalidRequest", "something follows the last chunk of the body")
        return found

    def _read_head(self, data: memoryview, _: list[memoryview]) -> memoryview:
        line, data = self._take_line(data)
        if line is not None:
            head = _HEAD.fullmatch(line)
            if head is None or self._form.signed != (head[2] is not None):
                raise S3Error("InvalidRequest", "the body is not cut into chunks as its headers say")
            self._begin_chunk(int(head[1], 16), (head[2] or b"").decode())
        return data

    def _begin_chunk(self, size: int, signature: str) -> None:
        self._left, self._signature = size, signature
        self._hash = hashlib.sha256() if self._form.chain else None
        if size:
            self._read = self._read_data
            return
        self._check_chunk()
        self._read = self._read_trailer

    def _read_data(self, data: memoryview, found: list[memoryview]) -> memoryview:
        piece, data = data[: self._left], data[self._left :]
        if self._hash is not None:
            self._hash.update(piece)
        found.append(piece)
        self._left -= piece.nbytes
        if not self._left:
            self._check_chunk()
            self._read = self._read_end
        return data

    def _read_end(self, data: memoryview, _: list[memoryview]) -> memoryview:
        line, data = self._take_line(data)
        if line is not None:
            if line:
                raise S3Error("InvalidRequest", "a chunk of the body is longer than it says")
            self._read = self._read_head
        return data

    def _read_trailer(self, data: memoryview, _found: list[memoryview]) -> memoryview:
        line, data = self._take_line(data)
        if line is None:
            return data
        if not line:
            self._end()
        elif not self._form.trailer or len(self._trailers) >= _MOST_TRAILERS:
            raise S3Error("InvalidRequest", "headers follow the body that were not announced")
        else:
            name, _, value = line.decode("latin-1").partition(":")
            self._trailers.append((name.strip().lower(), value.strip()))
        return data

    def _end(self) -> None:
        if self._form.trailer and self._form.chain:
            signature = self.trailers.get("x-amz-trailer-signature", "")
            lines = (f"{name}:{value}\n" for name, value in self._trailers if name != "x-amz-trailer-signature")
            self._form.chain.check_trailer(signature, "".join(lines).encode())
        self.complete = True

    def _check_chunk(self) -> None:
        if self._form.chain:
            self._form.chain.check_chunk(self._signature, self._hash.hexdigest())

    def _take_line(self, data: memoryview) -> tuple[bytes | None, memoryview]:
        """Return the next line without its end, None if it has not come whole."""
        start = bytes(data[: _LONGEST_LINE + 2])
        length = start.find(b"\n") + 1
        self._line += start[: length or len(start)]
        if len(self._line) > _LONGEST_LINE:
            raise S3Error("InvalidRequest", "a line between the chunks of the body is too long")
        if not length:
            return None, data[len(start) :]
        line = bytes(self._line)
        self._line.clear()
        if not line.endswith(b"\r\n"):
            raise S3Error("InvalidRequest", "lines between the chunks of the body end with CR and LF")
        return line[:-2], data[length:]
