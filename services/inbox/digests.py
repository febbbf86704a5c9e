"""Checksums of a file on its way in, and the sizes of the parts it is cut into."""

import hashlib
from typing import Any

MIB = 1024 * 1024
MIN_PART = 5 * MIB
"""Least size of a part other than the last (Amazon S3 user guide, "multipart upload limits")."""

_FIRST = 16 * MIB
_GROWTH = ((2_500, _FIRST), (5_000, 64 * MIB), (10_000, 256 * MIB))
"""Nobody tells beforehand how long a file is, and S3 takes 10,000 parts: 2,500 of 16 MiB (39 GiB), 2,500 of
64 MiB (156 GiB) and 5,000 of 256 MiB (1,250 GiB) hold 1.41 TiB, while most files never see a part above 16 MiB."""


class TooLarge(ValueError):
    """All parts that an upload may have are in use."""


def part_size(number: int) -> int:
    """Return the size in bytes of part `number` (from 1). Raises TooLarge."""
    for last, size in _GROWTH:
        if number <= last:
            return size
    raise TooLarge


def parts_in_flight(size: int) -> int:
    """Return how many parts of this size are sent while the next one is filled: two; of large ones one."""
    return 2 if size == _FIRST else 1


class Digests:
    """SHA-256 and MD5 of the first `size` bytes of a file."""

    def __init__(self, size: int = 0, sha256: Any = None, md5: Any = None) -> None:  # noqa: ANN401 - hashlib's objects
        self.size = size
        self._sha256 = sha256 or hashlib.sha256()
        self._md5 = md5 or hashlib.md5(usedforsecurity=False)

    def update(self, body: memoryview) -> None:
        """Go on with the bytes that follow."""
        self._sha256.update(body)
        self._md5.update(body)
        self.size += body.nbytes

    def copy(self) -> "Digests":
        """Return an independent copy."""
        return Digests(self.size, self._sha256.copy(), self._md5.copy())

    def values(self) -> dict[str, str]:
        """Return the digests in hexadecimal, by algorithm."""
        return {"sha256": self._sha256.hexdigest(), "md5": self._md5.hexdigest()}
