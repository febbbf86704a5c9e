"""The plaintext of an archived file, of which a few bytes are looked at. It stays in memory, and not for long."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeVar

from shared.access.grants import ReadableFile
from shared.crypto.editlist import kept_intervals
from shared.crypto.excerpt import excerpt, open_excerpt
from shared.crypto.header import OpenHeader
from shared.crypto.ranges import plain_size
from shared.crypto.segments import SEGMENT
from shared.genomics.errors import BadFormat
from shared.storage.streams import StreamingStore

MOST_READ = 34 * 1024 * 1024
"""Bytes of a body that are read at once: enough for the largest index."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class PlainText:
    """Reads parts of a file; positions are those of the file that readers see. What takes time is done on `threads`."""

    file: ReadableFile
    opened: OpenHeader
    archive: StreamingStore
    threads: Executor

    @cached_property
    def size(self) -> int:
        """Count of bytes."""
        return self._seen_before(plain_size(self.file.archive_size))

    @cached_property
    def whole_segments_end(self) -> int:
        """Position of the first byte of a short segment at the end, or the size."""
        return self._seen_before(plain_size(self.file.archive_size) // SEGMENT * SEGMENT)

    async def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to `stop`, or to the end.

        Raises BadFormat for more than may be read at once, FileRefused for damage, and what the store raises.
        """
        # an edit list may have thousands of pieces
        found = await self.on_thread(partial(excerpt, self.opened.edit_list, self.file.archive_size, start, stop))
        if found is None:
            return b""
        if found.length > MOST_READ:
            raise BadFormat("too much would have to be read")
        body = await self._body(found.offset, found.length)
        return await self.on_thread(partial(open_excerpt, memoryview(body), found, self.opened.data_keys))

    async def on_thread(self, work: Callable[[], T]) -> T:
        """Do something that takes time."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)

    async def _body(self, offset: int, length: int) -> bytearray:
        body = bytearray()
        stream = await self.archive.stream(self.file.id, offset, length)
        try:
            while len(body) < length:
                body += await stream.piece()
        finally:
            stream.close()
        return body

    def _seen_before(self, position: int) -> int:
        kept = kept_intervals(self.opened.edit_list)
        return sum(min(high, position) - low for low, high in kept if low < position)
