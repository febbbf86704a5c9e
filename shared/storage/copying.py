"""Bodies read into buffers."""

from shared.storage.errors import IncompleteBody
from shared.storage.port import Reader


def read_exactly(reader: Reader, buffer: memoryview) -> int:
    """Fill `buffer` from `reader` and return the number of bytes, less than fit only where the body has ended."""
    filled = 0
    while filled < buffer.nbytes:
        count = reader.readinto(buffer[filled:])
        if not count:
            break
        filled += count
    return filled


def fill(reader: Reader, buffer: memoryview) -> None:
    """Fill the whole `buffer` from `reader`. Raises IncompleteBody."""
    missing = buffer.nbytes - read_exactly(reader, buffer)
    if missing:
        raise IncompleteBody(f"the source ended {missing} bytes too early")
