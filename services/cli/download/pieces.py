"""Stretches of a body, and where in the result they go: as they are, or decrypted."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from shared.crypto.editlist import END, Editor, kept_intervals, narrow
from shared.crypto.header import OpenHeader
from shared.crypto.ranges import plain_size
from shared.crypto.segments import BATCH, CIPHER_SEGMENT, SEGMENT, Decryptor, plain_buffer

PIECE = 32 * BATCH * CIPHER_SEGMENT
"""Bytes of a body that are asked for at once: whole segments, 16 MiB of plaintext."""

_BATCH = BATCH * CIPHER_SEGMENT


def count_of(body_size: int) -> int:
    """Return how many pieces a body has."""
    return -(-body_size // PIECE)


def span_of(number: int, body_size: int) -> tuple[int, int]:
    """Return offset and length of a piece in its body; pieces are numbered from 0."""
    offset = number * PIECE
    return offset, min(PIECE, body_size - offset)


class Target(Protocol):
    """Writes pieces of a body into a file, each at its place, by any thread."""

    @property
    def size(self) -> int:
        """Bytes of the file when it is whole."""
        ...

    def prepare(self, file: int) -> None:
        """Make room, and write what comes before the body. Raises OSError."""
        ...

    def write(self, file: int, offset: int, piece: memoryview) -> None:
        """Write the piece that begins at `offset` of the body. Raises BodyDamaged, BodyTruncated, OSError."""
        ...


@dataclass(frozen=True)
class Encrypted:
    """The file as it is sent: the header for its reader, and the body."""

    header: bytes
    body_size: int

    @property
    def size(self) -> int:
        return len(self.header) + self.body_size

    def prepare(self, file: int) -> None:
        os.ftruncate(file, self.size)
        _write_at(file, memoryview(self.header), 0)

    def write(self, file: int, offset: int, piece: memoryview) -> None:
        _write_at(file, piece, len(self.header) + offset)


@dataclass(frozen=True)
class Decrypted:
    """The file as its reader sees it: decrypted, its edit list applied."""

    opened: OpenHeader
    body_size: int

    @property
    def size(self) -> int:
        return self._kept_before(plain_size(self.body_size))

    def prepare(self, file: int) -> None:
        os.ftruncate(file, self.size)

    def write(self, file: int, offset: int, piece: memoryview) -> None:
        first = offset // CIPHER_SEGMENT
        decryptor = Decryptor(self.opened.data_keys, first_segment=first)
        editor = Editor(narrow(self._kept(), self._kept_before(first * SEGMENT), None), position=first * SEGMENT)
        place = self._kept_before(first * SEGMENT)
        plain = plain_buffer()
        for start in range(0, len(piece), _BATCH):
            count = decryptor.decrypt(piece[start : start + _BATCH], plain)
            for kept in editor.pieces(plain[:count]):
                _write_at(file, kept, place)
                place += len(kept)

    def _kept(self) -> Iterator[tuple[int, int]]:
        return kept_intervals(self.opened.edit_list)

    def _kept_before(self, position: int) -> int:
        """Return how many of the decrypted bytes before a position the edit list keeps."""
        total = 0
        for first, behind in self._kept():
            if first >= position:
                break
            total += min(behind, position, END) - first
        return total


def _write_at(file: int, content: memoryview, offset: int) -> None:
    while content:
        count = os.pwrite(file, content, offset)
        content, offset = content[count:], offset + count
