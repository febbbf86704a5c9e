"""Reading from sources that may return less than was asked for."""

from typing import Protocol


class Reader(Protocol):
    """A source of bytes: an open file, an object of the store, the body of an HTTP request."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the start of `buffer` and return how many bytes came: fewer than asked for is allowed, 0 is the end."""


def read_full(reader: Reader, buffer: memoryview) -> int:
    """Fill `buffer`, reading as often as needed; return its count of bytes, which is short only at the end."""
    filled = 0
    while filled < len(buffer):
        count = reader.readinto(buffer[filled:])
        if not count:
            break
        filled += count
    return filled
