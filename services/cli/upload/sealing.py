"""The parts of an object, made of a file when they are sent: read once, encrypted in memory, hashed on the way.

Part n holds the segments of a fixed stretch of the file, the first one the header too. Each call takes new random
nonces, so the same stretch may be sealed again, in a later run as well, with the same data key: what must never be is
one nonce for two plaintexts (RFC 8439, section 4), and here none comes twice.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from services.cli.upload.identity import SourceChanged
from shared.crypto.ranges import body_size
from shared.crypto.segments import SEGMENT, Encryptor, plain_buffer
from shared.errors import UserError
from shared.storage.sizes import MAX_OBJECT, MIB, part_size

STEP = 16 * MIB
"""Bytes of the file in one part, unless that were more than 10,000 parts."""

DATA_KEY = 32


@dataclass(frozen=True)
class Piece:
    """A part to send: its bytes, their MD5, and the SHA-256 of the stretch of the file that it was made of."""

    body: memoryview
    md5: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Sealing:
    """How a file becomes an object; without a data key it is sent as it is.

    file: an open descriptor; size, step: bytes of the file, in all and in one part.
    """

    file: int
    size: int
    header: bytes
    data_key: bytes | None = field(repr=False)
    step: int

    @property
    def count(self) -> int:
        """How many parts there are; an empty file is one."""
        return max(1, -(-self.size // self.step))

    @property
    def sealed_size(self) -> int:
        """Bytes of the object."""
        return sum(self.part_size(number) for number in range(1, self.count + 1))

    def source_size(self, number: int) -> int:
        """Bytes of the file in a part, which are numbered from 1."""
        return min(self.step, self.size - (number - 1) * self.step)

    def part_size(self, number: int) -> int:
        """Bytes of a part as it is sent."""
        plain = self.source_size(number)
        return (len(self.header) if number == 1 else 0) + (plain if self.data_key is None else body_size(plain))

    def part(self, number: int, body: memoryview) -> Piece:
        """Read and seal a part into a buffer of its size. Raises SourceChanged if the file is shorter now, OSError."""
        filled = len(self.header) if number == 1 else 0
        body[:filled] = self.header[:filled]
        digest = hashlib.sha256()
        encryptor = None if self.data_key is None else Encryptor(self.data_key)
        for clear in self._stretch(number):
            digest.update(clear)
            if encryptor is None:
                body[filled : filled + len(clear)] = clear
                filled += len(clear)
            else:
                filled += encryptor.encrypt(clear, body[filled:])
        return Piece(body, hashlib.md5(body, usedforsecurity=False).hexdigest(), digest.hexdigest())

    def source_digest(self, number: int) -> str:
        """Return the SHA-256 of the stretch of the file that a part is made of. Raises what `part` raises."""
        digest = hashlib.sha256()
        for clear in self._stretch(number):
            digest.update(clear)
        return digest.hexdigest()

    def _stretch(self, number: int) -> Iterator[memoryview]:
        """Yield the file's bytes for a part, in whole segments but for its end; each is valid until the next."""
        buffer = plain_buffer()
        position, left = (number - 1) * self.step, self.source_size(number)
        while left:
            wanted = buffer[: min(left, len(buffer))]
            _read_at(self.file, wanted, position)
            yield wanted
            position += len(wanted)
            left -= len(wanted)


def step_for(size: int) -> int:
    """Return how many bytes of a file of this size go into one part: whole segments. Raises UserError."""
    if body_size(size) + MIB > MAX_OBJECT:
        raise UserError("a file has 5 TiB at most, encrypted")
    step = part_size(size, STEP)
    assert step % SEGMENT == 0
    return step


def _read_at(file: int, buffer: memoryview, position: int) -> None:
    while buffer:
        count = os.preadv(file, [buffer], position)
        if not count:
            raise SourceChanged
        buffer = buffer[count:]
        position += count
