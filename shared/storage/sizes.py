"""Arithmetic of uploads in parts (Amazon S3 user guide, "multipart upload limits")."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

KIB = 1024
MIB = 1024 * KIB
TIB = 1024 * 1024 * MIB

MAX_PARTS = 10_000
MAX_OBJECT = 5 * TIB
MIN_PART = 5 * MIB

CHUNK = MIB
"""Bytes of a body that are moved by one read."""

LARGE = 8 * MIB
"""Bytes from which a copy inside a store is quicker than a GET and a PUT, and is worth a lease.

On MinIO the two meet between 4 and 8 MiB (`tests/benchmarks/copying.py` measures it).
"""

AT_ONCE = 4
"""Parts of one object under way at the same time."""

MAX_BUFFERED = 64 * MIB
"""Bytes of a body held in memory, as long as one part fits."""


@dataclass(frozen=True, kw_only=True)
class PartSizes:
    """Least sizes in bytes of parts that are sent and of parts that are copied; large objects get larger parts."""

    upload: int = 16 * MIB
    copy: int = 256 * MIB

    def __post_init__(self) -> None:
        if min(self.upload, self.copy) < MIN_PART:
            raise ValueError("a part has 5 MiB or more")


class Span(NamedTuple):
    """A part of a body: number from 1, offset and length in bytes."""

    number: int
    offset: int
    length: int


def part_size(total: int, least: int, parts: int = MAX_PARTS) -> int:
    """Return a part size of at least `least` bytes with which `total` bytes are `parts` parts or fewer.

    Above `least` it is a whole number of MiB: 525 MiB for the largest object, 5 TiB. Raises ValueError above that.
    """
    if total > MAX_OBJECT:
        raise ValueError("an object has 5 TiB at most")
    needed = -(-total // parts)
    return max(least, -(-needed // MIB) * MIB)


def buffers(size: int) -> int:
    """Return how many parts of this size may be in memory: together 64 MiB, or one part where it is larger.

    One part of 64 MiB is enough up to 671 GB; the 525 MiB of the largest object are the upper bound.
    """
    return max(1, min(AT_ONCE, MAX_BUFFERED // size))


def spans(offset: int, length: int, size: int) -> Iterator[Span]:
    """Cut `length` bytes from `offset` into parts of `size` bytes, the last one perhaps shorter."""
    for index, start in enumerate(range(0, length, size)):
        yield Span(index + 1, offset + start, min(size, length - start))


def check_part_number(number: int) -> None:
    """Refuse a number that no store takes: raises ValueError."""
    if not 1 <= number <= MAX_PARTS:
        raise ValueError("part numbers run from 1 to 10,000")
