"""Bodies made of other bodies."""

from shared.storage.errors import StoreUnavailable
from shared.storage.port import Reader


class ExpectedBody:
    """Reads exactly `length` bytes of `source`, and raises StoreUnavailable when it ends before.

    So a broken connection cannot pass for the end of a body.
    """

    def __init__(self, source: Reader, length: int) -> None:
        self._source = source
        self._remaining = length

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill `buffer` as far as one read of the source goes; 0 is the end of the body."""
        view = buffer[: self._remaining]
        if not view.nbytes:
            return 0
        count = self._source.readinto(view)
        if not count:
            raise StoreUnavailable(f"the body broke off {self._remaining} bytes before its end")
        self._remaining -= count
        return count


class Joined:
    """Reads `head`, then `body`."""

    def __init__(self, head: bytes, body: Reader) -> None:
        self._head = memoryview(head)
        self._body = body

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill `buffer` from the one or the other; 0 is the end of both."""
        if not self._head:
            return self._body.readinto(buffer)
        count = min(len(self._head), len(buffer))
        buffer[:count] = self._head[:count]
        self._head = self._head[count:]
        return count


def check_range(offset: int, length: int | None) -> None:
    """Refuse what is no range of an object: raises ValueError."""
    if offset < 0 or (length is not None and length < 0):
        raise ValueError("offset and length of a range are not negative")
