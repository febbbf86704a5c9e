"""The SHA-256 of a body, taken while its next piece is being read."""

import hashlib
from dataclasses import dataclass, field

from shared.crypto.cores import Cores
from shared.crypto.pipeline import Pipeline, Stage
from shared.crypto.reading import Reader, read_full

_PIECE = 1024 * 1024
_READ_AHEAD = Cores(1)
"""The caller's own core, and no helper's."""


@dataclass
class _Slot:
    buffer: memoryview = field(default_factory=lambda: memoryview(bytearray(_PIECE)))
    piece: memoryview = field(default_factory=lambda: memoryview(b""))


def sha256_of(body: Reader) -> str:
    """Read a body to its end, in 4 MiB of memory; raises whatever the reader raises. A single piece takes no thread."""
    digest = hashlib.sha256()

    def fill(slot: _Slot) -> bool:
        slot.piece = slot.buffer[: read_full(body, slot.buffer)]
        return len(slot.piece) == _PIECE

    Pipeline(make_slot=_Slot, fill=fill, stages=[Stage(work=lambda slot: digest.update(slot.piece))]).run(_READ_AHEAD)
    return digest.hexdigest()
