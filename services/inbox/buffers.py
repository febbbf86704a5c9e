"""Memory that parts gather in, used again and again."""

import mmap
from dataclasses import dataclass


class Buffer:
    """Anonymous memory of a part: pages that no byte reaches cost nothing, so that a small file takes little."""

    def __init__(self, size: int) -> None:
        self._memory = memoryview(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        self.filled = 0

    @property
    def size(self) -> int:
        return self._memory.nbytes

    @property
    def full(self) -> bool:
        return self.filled == self.size

    @property
    def body(self) -> memoryview:
        """What was added so far; it changes when the buffer is used again."""
        return self._memory[: self.filled]

    def add(self, data: memoryview) -> int:
        """Take as much of `data` as fits, and return how much."""
        count = min(data.nbytes, self.size - self.filled)
        self._memory[self.filled : self.filled + count] = data[:count]
        self.filled += count
        return count

    def empty(self) -> "Buffer":
        """Return the buffer itself, ready to be filled anew."""
        self.filled = 0
        return self


@dataclass
class BufferReader:
    """Reads a buffer as the body of one `put`."""

    rest: memoryview

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill `buffer` as far as there is something left."""
        count = min(buffer.nbytes, self.rest.nbytes)
        buffer[:count] = self.rest[:count]
        self.rest = self.rest[count:]
        return count
