"""The SHA-256 of a body, taken while its next piece is being read."""

import hashlib
from dataclasses import dataclass

from shared.crypto.cores import Cores
from shared.crypto.pipeline import Pipeline, Stage
from shared.crypto.reading import Reader, read_full

_PIECE = 1024 * 1024
_READ_AHEAD = Cores(1)
"""The caller's own core, and no helper's."""


@dataclass
class _Slot:
    buffer: memoryview
    piece: memoryview


def sha256_of(body: Reader, *, size: int = _PIECE) -> str:
    """Read a body to its end, in 3 MiB of memory; raises whatever the reader raises. A single piece takes no thread.

    `size`: bytes that the body should have; a small one takes a small buffer.
    """
    digest = hashlib.sha256()

    def make_slot() -> _Slot:
        buffer = memoryview(bytearray(min(size + 1, _PIECE)))
        return _Slot(buffer, buffer[:0])

    def fill(slot: _Slot) -> bool:
        slot.piece = slot.buffer[: read_full(body, slot.buffer)]
        return len(slot.piece) == len(slot.buffer)

    Pipeline(make_slot=make_slot, fill=fill, stages=[Stage(work=lambda slot: digest.update(slot.piece))]).run(
        _READ_AHEAD
    )
    return digest.hexdigest()
