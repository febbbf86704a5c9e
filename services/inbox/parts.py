"""The parts of one upload on their way into the store: in order, a few at a time, each one tried again for a while."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from services.inbox.begin import Begun
from services.inbox.buffers import Buffer, BufferReader
from services.inbox.digests import part_size, parts_in_flight
from services.inbox.inbox import Inbox
from services.inbox.quota import take_room
from services.inbox.resume import touch
from shared.storage.errors import StoreUnavailable
from shared.storage.port import Part

T = TypeVar("T")

_DELAYS = (0.2, 1.0, 3.0)
"""Seconds before a request that met a passing fault is made again: a store that restarts breaks no upload."""
_TOUCH_SECONDS = 60.0


def persistently(request: Callable[[], T]) -> T:
    """Make a request to the store, again after passing faults. Raises StoreUnavailable after the last delay."""
    for delay in _DELAYS:
        try:
            return request()
        except StoreUnavailable:
            time.sleep(delay)
    return request()


class PartSender:
    """Sends buffers as parts and keeps the digests of what it sends; all methods are for one event loop.

    The digests go on in the order of the parts; they are None when the beginning of the file was not seen.
    """

    def __init__(self, inbox: Inbox, begun: Begun) -> None:
        self._inbox = inbox
        self._file = begun.file
        self._sent = begun.size
        self._upload_id = begun.upload_id
        self._stored = {part.number: part for part in begun.parts}
        self._next = len(begun.parts) + 1
        self._digests = begun.digests.copy() if begun.digests else None
        self._borders = {begun.size: begun.digests}
        self._hashing = asyncio.Lock()
        self._tasks: deque[asyncio.Task[None]] = deque()
        self._free: deque[Buffer] = deque()
        self._touched = time.monotonic()

    @property
    def upload_id(self) -> str | None:
        """Id of the upload in parts, if there is one."""
        return self._upload_id

    @property
    def digests(self) -> dict[str, str]:
        """Digests of all that was sent, by algorithm; empty when they are not known."""
        return self._digests.values() if self._digests else {}

    @property
    def parts(self) -> list[Part]:
        """Stored parts from the first one without a gap."""
        found: list[Part] = []
        while (part := self._stored.get(len(found) + 1)) is not None:
            found.append(part)
        return found

    @property
    def safe_size(self) -> int:
        """Bytes from the beginning that the store keeps."""
        return sum(part.size for part in self.parts)

    def buffer(self) -> Buffer:
        """Return an empty buffer for the next part. Raises TooLarge."""
        size = part_size(self._next)
        if self._free and self._free[0].size != size:
            self._free.clear()
        return self._free.popleft().empty() if self._free else Buffer(size)

    async def send(self, buffer: Buffer) -> None:
        """Send a part without waiting for its end, but for the room to send it; raises what an earlier one met.

        Raises QuotaExceeded for one that the user has no room for.
        """
        await self._prepare()
        await self._take_room(buffer)
        while len(self._tasks) >= parts_in_flight(buffer.size):
            await self._tasks[0]
            self._tasks.popleft()
        self._tasks.append(asyncio.create_task(self._store(self._next, buffer)))
        self._next += 1

    async def wait(self) -> None:
        """Wait for all parts; raises what one of them met."""
        while self._tasks:
            await self._tasks[0]
            self._tasks.popleft()

    async def settle(self) -> None:
        """Wait for all parts, whatever becomes of them, and remember the digests of what is safe."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        digests = self._borders.get(self.safe_size)
        if digests is not None and digests.size:
            self._inbox.uploads.remember(self._file.id, digests)

    async def put_whole(self, buffer: Buffer) -> None:
        """Store a file of one part as an object at once."""
        assert self._digests is not None  # of nothing, since nothing was sent
        body, digests = buffer.body, self._digests.copy()
        await self._take_room(buffer)
        await asyncio.to_thread(digests.update, body)
        await asyncio.to_thread(
            persistently, lambda: self._inbox.store.put(self._file.id, BufferReader(body), body.nbytes)
        )
        self._digests = digests

    async def complete(self) -> int:
        """Make the object of all parts and return its size in bytes."""
        await self.wait()
        upload_id, parts = self._upload_id, self.parts
        assert upload_id is not None
        assert len(parts) == self._next - 1
        made = await asyncio.to_thread(
            persistently, lambda: self._inbox.store.complete_upload(self._file.id, upload_id, parts)
        )
        return made.size

    def remember(self) -> None:
        """Keep the digests of the whole file until it is recorded."""
        if self._digests:
            self._inbox.uploads.remember(self._file.id, self._digests)

    async def _prepare(self) -> None:
        """Note the id of the upload before its first part, so that no part is stored that nobody finds again."""
        if self._upload_id is None:
            self._upload_id = await asyncio.to_thread(
                persistently, lambda: self._inbox.store.start_upload(self._file.id)
            )
        elif time.monotonic() - self._touched < _TOUCH_SECONDS:
            return
        await asyncio.to_thread(touch, self._inbox, self._file.id, self._upload_id)
        self._touched = time.monotonic()

    async def _take_room(self, buffer: Buffer) -> None:
        self._sent += buffer.filled
        if self._inbox.quota is not None:
            await asyncio.to_thread(take_room, self._inbox, self._file, self._sent)

    async def _store(self, number: int, buffer: Buffer) -> None:
        await self._hash(buffer)
        upload_id, body = self._upload_id, buffer.body
        assert upload_id is not None
        self._stored[number] = await asyncio.to_thread(
            persistently, lambda: self._inbox.store.put_part(self._file.id, upload_id, number, body)
        )
        self._free.append(buffer)
        safe = self.safe_size
        self._borders = {size: digests for size, digests in self._borders.items() if size >= safe}

    async def _hash(self, buffer: Buffer) -> None:
        # a lock hands itself on in the order in which it was asked for, which is that of the parts
        async with self._hashing:
            if self._digests is not None:
                await asyncio.to_thread(self._digests.update, buffer.body)
                self._borders[self._digests.size] = self._digests.copy()
