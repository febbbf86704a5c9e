"""Parts of a file and bytes of one's own, put together to one stream: a reader sees them in a row.

The parts are segments as they lie in the body, chosen without opening them; what is added is to be encrypted to
segments of its own. Segments do not know their place (Crypt4GH 1.0, section 3.4), and an edit list leaves out what
they hold besides (section 4.2). Only the last segment of a stream may be short.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from shared.crypto.editlist import Interval, kept_intervals, narrow
from shared.crypto.ranges import body_size, cipher_range
from shared.crypto.segments import CIPHER_SEGMENT, SEGMENT, Encryptor

Piece = Interval | bytes
"""A half-open interval of the plaintext, or bytes to add."""


class Run(NamedTuple):
    """Whole segments of a body, from `offset` up to, but not with, `stop`."""

    offset: int
    stop: int


class Splice(NamedTuple):
    """What the stream is made of, runs and bytes to encrypt, and the edit list that goes with it."""

    parts: list[Run | bytes]
    edits: tuple[int, ...]


def splice(pieces: Iterable[Piece], edits: Sequence[int] | None) -> Splice:
    """Lay out a stream whose reader sees these pieces in a row.

    Intervals count on the file that readers see, `edits` is the edit list that it has already. They do not reach into
    a short segment at the end of the body: that part is to be given as bytes.
    """
    layout = _Layout()
    for piece in pieces:
        if isinstance(piece, bytes):
            layout.add(piece)
        else:
            for low, high in narrow(kept_intervals(edits), *piece):
                layout.keep(low, high)
    return layout.done()


def encrypted(data: bytes, data_key: bytes) -> bytes:
    """Encrypt to segments."""
    cipher = bytearray(body_size(len(data)))
    Encryptor(data_key).encrypt(memoryview(data), memoryview(cipher))
    return bytes(cipher)


class _Layout:
    """A stream that grows; positions are those of its plaintext."""

    def __init__(self) -> None:
        self._parts: list[Run | bytearray] = []
        self._size = 0
        self._kept: list[Interval] = []

    def add(self, data: bytes) -> None:
        """Show bytes; what follows each other shares its segments."""
        if data and not (self._parts and isinstance(self._parts[-1], bytearray)):
            self._parts.append(bytearray())
        if data and isinstance(added := self._parts[-1], bytearray):
            added += data
            self._show(self._size, len(data))
            self._size += len(data)

    def keep(self, low: int, high: int) -> None:
        """Show an interval of the plaintext."""
        self._pad()
        offset, stop = cipher_range(low, high)
        last = self._parts[-1] if self._parts else None
        again = isinstance(last, Run) and last.stop - CIPHER_SEGMENT == offset and self._follows(low)
        if isinstance(last, Run) and (again or last.stop == offset):
            self._parts[-1] = Run(last.offset, stop)
        else:
            self._parts.append(Run(offset, stop))
        start = self._size - SEGMENT if again else self._size
        self._show(start + low % SEGMENT, high - low)
        self._size = start + (stop - offset) // CIPHER_SEGMENT * SEGMENT

    def done(self) -> Splice:
        """Return the whole."""
        position, edits = 0, list[int]()
        for low, high in self._kept:
            edits += [low - position, high - low]
            position = high
        return Splice([part if isinstance(part, Run) else bytes(part) for part in self._parts], tuple(edits))

    def _show(self, start: int, length: int) -> None:
        if self._kept and self._kept[-1][1] == start:
            self._kept[-1] = self._kept[-1][0], start + length
        else:
            self._kept.append((start, start + length))

    def _follows(self, low: int) -> bool:
        """Whether the last segment can show this, too: it lies behind what it shows already."""
        return self._size - SEGMENT + low % SEGMENT >= self._kept[-1][1]

    def _pad(self) -> None:
        """Fill up the last segment, so that another can follow it."""
        if self._parts and isinstance(added := self._parts[-1], bytearray):
            added += bytes(-len(added) % SEGMENT)
            self._size += -self._size % SEGMENT
