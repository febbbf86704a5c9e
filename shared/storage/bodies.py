"""Bodies whose length is known beforehand, so that a broken connection cannot pass for their end."""

from shared.storage.errors import StoreUnavailable
from shared.storage.port import Reader


class ExpectedBody:
    """Reads exactly `length` bytes of `source`, and raises StoreUnavailable when it ends before."""

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


def check_range(offset: int, length: int | None) -> None:
    """Refuse what is no range of an object: raises ValueError."""
    if offset < 0 or (length is not None and length < 0):
        raise ValueError("offset and length of a range are not negative")
