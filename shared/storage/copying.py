"""Bodies on their way through this process, in constant memory."""

from collections.abc import Callable

from shared.storage.errors import IncompleteBody
from shared.storage.port import ObjectStore, Reader, Stat

Observer = Callable[[memoryview], None]


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


def transfer(  # noqa: PLR0917 - from where, which range, to where
    source: ObjectStore,
    source_key: str,
    offset: int,
    length: int,
    target: ObjectStore,
    key: str,
    *,
    observe: Observer | None = None,
) -> Stat:
    """Move `length` bytes from `offset` of an object to `target`, where `copy_range` is not possible or not worth it.

    `observe` sees every chunk once, in order, and must not keep it: its memory is used again. Raises ObjectMissing for
    a missing source, IncompleteBody for a range that reaches past its end; nothing is stored then.
    """
    with source.open(source_key, offset, length) as body:
        return target.put(key, body if observe is None else _Observed(body, observe), length)


class _Observed:
    def __init__(self, source: Reader, observe: Observer) -> None:
        self._source = source
        self._observe = observe

    def readinto(self, buffer: memoryview, /) -> int:
        count = self._source.readinto(buffer)
        if count:
            self._observe(buffer[:count])
        return count
