"""A part of the plaintext, given out without opening the body: the segments that hold it, and an edit list.

Crypt4GH 1.0, section 3.2.4: an edit list lets a reader see a part of what was encrypted.
"""

from collections.abc import Sequence
from typing import NamedTuple

from shared.crypto.editlist import apply, kept_intervals, narrow
from shared.crypto.ranges import cipher_range, plain_size
from shared.crypto.segments import CIPHER_SEGMENT, SEGMENT, Decryptor


class Excerpt(NamedTuple):
    """`length` bytes of the body from `offset`: whole segments; `edits` is the edit list that goes with them."""

    offset: int
    length: int
    edits: tuple[int, ...]


def excerpt(edits: Sequence[int] | None, body_size: int, start: int, end: int | None) -> Excerpt | None:
    """Return what it takes to show bytes `start` to `end` (half-open, None: to the end) of the file that readers see.

    `edits` is the edit list that the file has already: the coordinates are those of the edited file. None: there is
    not a byte there. Raises BodyTruncated for a size that no whole body has.
    """
    size = plain_size(body_size)
    kept = [(low, min(high, size)) for low, high in narrow(kept_intervals(edits), start, end) if low < size]
    if not kept:
        return None
    offset, stop = cipher_range(kept[0][0], kept[-1][1])
    position = offset // CIPHER_SEGMENT * SEGMENT
    lengths: list[int] = []
    for low, high in kept:
        lengths += [low - position, high - low]
        position = high
    return Excerpt(offset, min(stop, body_size) - offset, tuple(lengths))


def open_excerpt(body: memoryview, found: Excerpt, data_keys: Sequence[bytes]) -> bytes:
    """Return the plaintext that an excerpt shows, of its part of the body. Raises BodyDamaged and BodyTruncated."""
    plain = memoryview(bytearray(plain_size(len(body))))
    Decryptor(data_keys, first_segment=found.offset // CIPHER_SEGMENT).decrypt(body, plain)
    return b"".join(apply([plain], found.edits))
