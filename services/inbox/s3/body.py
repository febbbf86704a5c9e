"""A body on its way through: decoded and hashed block by block on threads, its end held back until all is right."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from concurrent.futures import Executor

from services.inbox.header_check import HeaderWatch
from services.inbox.metrics import RECEIVED
from services.inbox.s3.checksums import ALGORITHMS, PREFIX, Hasher, encoded, same
from services.inbox.s3.chunks import ChunkDecoder
from services.inbox.s3.errors import ClientGone, S3Error
from services.inbox.s3.payload import Payload
from services.inbox.s3.sources import Source

_SMALL = 128 * 1024
"""Below so many bytes a thread costs more than the work it takes over."""

Pieces = list[memoryview]


class IncomingBody:
    """The payload of one request.

    gap_seconds: longest time between two pieces of the body; there is no limit on the whole.
    sha256: is its digest wanted whether or not the client sent one? watch: follows the beginning of a file.
    """

    def __init__(
        self,
        payload: Payload,
        source: Source,
        threads: Executor,
        *,
        gap_seconds: float,
        sha256: bool = False,
        watch: HeaderWatch | None = None,
    ) -> None:
        self.payload = payload
        self._source = source
        self._threads = threads
        self._gap = gap_seconds
        self._decoder = None if payload.form is None else ChunkDecoder(payload.form)
        self._hashers = _hashers(payload, sha256=sha256)
        self._watch = watch
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes of the payload."""
        return self.payload.size

    @property
    def sha256(self) -> str:
        """The SHA-256 in hexadecimal, once all is read, if it was wanted."""
        return self._hashers["sha256"].digest().hex()

    @property
    def checksum(self) -> tuple[str, str] | None:
        """Header and value of the checksum that the client sent, once it was found right."""
        if self.payload.checksum is None:
            return None
        algorithm, _ = self.payload.checksum
        return PREFIX + algorithm, encoded(self._hashers[algorithm].digest())

    async def pieces(self) -> AsyncGenerator[Pieces, None]:
        """Yield the payload; its last pieces only once every digest and signature was found right.

        Raises S3Error, ClientGone.
        """
        held: Pieces | None = None
        last = memoryview(b"")
        while block := await self._block():
            work = asyncio.ensure_future(self._taken(block))
            try:
                if held:
                    yield held
            finally:
                # also when nobody wants the rest: a thread must not go on with what is over
                held = await work
            self._source.release(last)
            last = block
        self._check()
        if held:
            yield held
        self._source.release(last)

    async def whole(self) -> bytes:
        """Return all of a small payload. Raises S3Error, ClientGone."""
        # copied one by one: the memory of each is used again when the next one comes
        return b"".join([bytes(piece) async for pieces in self.pieces() for piece in pieces])

    async def _block(self) -> memoryview:
        try:
            return await self._source.block(self._gap)
        except TimeoutError:
            raise S3Error("RequestTimeout", f"no byte of the body came for {self._gap:g} seconds") from None
        except ConnectionError:
            raise ClientGone from None

    async def _taken(self, block: memoryview) -> Pieces:
        RECEIVED.inc(len(block))
        if len(block) <= _SMALL:
            return self._take(block)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._take, block)

    def _take(self, block: memoryview) -> Pieces:
        pieces = [block] if self._decoder is None else self._decoder.feed(block)
        for piece in pieces:
            self._size += piece.nbytes
            if self._watch is not None:
                self._watch.feed(piece)
            for hasher in self._hashers.values():
                hasher.update(piece)
        if self._size > self.payload.size:
            raise S3Error("InvalidRequest", "the body is longer than its headers say")
        return pieces

    def _check(self) -> None:
        if self._size != self.payload.size or (self._decoder is not None and not self._decoder.complete):
            raise S3Error("IncompleteBody", "the body ended before its time: send the file again")
        if self._watch is not None:
            self._watch.end()
        digests = {name: hasher.digest() for name, hasher in self._hashers.items()}
        payload = self.payload
        if payload.sha256 is not None and not same(payload.sha256, digests["sha256"].hex()):
            raise S3Error("XAmzContentSHA256Mismatch", "the body was changed on its way: send the file again")
        if payload.md5 is not None and not same(payload.md5, digests["md5"]):
            raise S3Error("BadDigest", "the body does not fit its Content-MD5: send the file again")
        if payload.checksum is not None:
            self._check_checksum(*payload.checksum)

    def _check_checksum(self, algorithm: str, announced: str | None) -> None:
        value = announced
        if value is None and self._decoder is not None:
            value = self._decoder.trailers.get(PREFIX + algorithm)
        if value is None or not same(value, encoded(self._hashers[algorithm].digest())):
            raise S3Error("BadDigest", f"the body does not fit its {PREFIX}{algorithm}: send the file again")


def _hashers(payload: Payload, *, sha256: bool) -> dict[str, Hasher]:
    found: dict[str, Hasher] = {}
    if payload.checksum is not None:
        algorithm, _ = payload.checksum
        found[algorithm] = ALGORITHMS[algorithm]()
    if sha256 or payload.sha256 is not None:
        found.setdefault("sha256", hashlib.sha256())
    if payload.md5 is not None:
        found["md5"] = hashlib.md5(usedforsecurity=False)
    return found
