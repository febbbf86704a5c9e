"""Sizes and positions: from plaintext to body and back (Crypt4GH 1.0, section 3.4.1).

All are counts of bytes. Body positions count from the first byte behind the header.
"""

from shared.crypto.errors import BodyTruncated
from shared.crypto.segments import CIPHER_SEGMENT, OVERHEAD, SEGMENT


def body_size(plain_size: int) -> int:
    """Return the size of the body that `plain_size` bytes are encrypted to."""
    return plain_size + OVERHEAD * _segments(plain_size)


def plain_size(body_size: int) -> int:
    """Return the size of the plaintext in a body, before any edit list.

    Raises BodyTruncated for a size that no whole body has. A body cut exactly between two segments looks whole: the
    format cannot tell, so compare the result with the size that was announced.
    """
    whole, rest = divmod(body_size, CIPHER_SEGMENT)
    if 0 < rest <= OVERHEAD:
        raise BodyTruncated
    return whole * SEGMENT + max(rest - OVERHEAD, 0)


def cipher_range(plain_start: int, plain_end: int) -> tuple[int, int]:
    """Return the half-open range of body bytes with all segments that hold plaintext `plain_start` to `plain_end`.

    Its end may lie beyond the body, when the last segment is a short one. An empty range gives an empty range.
    """
    if not 0 <= plain_start <= plain_end:
        raise ValueError(f"not a range: {plain_start} to {plain_end}")
    first = plain_start // SEGMENT
    behind = _segments(plain_end) if plain_start < plain_end else first
    return first * CIPHER_SEGMENT, behind * CIPHER_SEGMENT


def _segments(plain_size: int) -> int:
    return -(-plain_size // SEGMENT)
