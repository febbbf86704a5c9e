"""Bodies into the inbox store while they come: what the S3 front knows of stores."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from typing import Any, Protocol, TypeVar

from services.inbox.s3.body import IncomingBody, Pieces
from shared.storage.directory import DirectoryStore

T = TypeVar("T")


class Sink(Protocol):
    """Takes bodies that are read no faster than the store writes; an object appears whole or not at all.

    Both return the MD5 of the body in hexadecimal, which is S3's tag (of an object that was not made of parts).
    They raise what the body raises, UploadMissing, StoreUnavailable, StoreRefused.
    """

    async def put(self, key: str, body: IncomingBody) -> str: ...

    async def put_part(self, key: str, upload_id: str, number: int, body: IncomingBody) -> str: ...

    async def close(self) -> None:
        """Give up what is kept open."""


class DirectorySink:
    """A folder, written to on threads."""

    def __init__(self, store: DirectoryStore, threads: Executor) -> None:
        self._store = store
        self._threads = threads

    async def put(self, key: str, body: IncomingBody) -> str:
        """Store an object."""
        source = _Source(body)
        await self._run(lambda: self._store.put(key, source, body.size))
        return source.md5

    async def put_part(self, key: str, upload_id: str, number: int, body: IncomingBody) -> str:
        """Store a part."""
        source = _Source(body)
        part = await self._run(lambda: self._store.put_part_from(key, upload_id, number, source, body.size))
        return part.etag

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


class _Source:
    """Reads a body on a thread, while the event loop receives it."""

    def __init__(self, body: IncomingBody) -> None:
        self._loop = asyncio.get_running_loop()
        self._pieces: AsyncIterator[Pieces] = body.pieces()
        self._rest: Pieces = []
        self._md5: Any = hashlib.md5(usedforsecurity=False)

    @property
    def md5(self) -> str:
        digest: str = self._md5.hexdigest()
        return digest

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill `buffer` as far as the next piece goes. Raises what the body raises."""
        while not self._rest:
            more = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
            if more is None:
                return 0
            self._rest = more
        piece = self._rest[0]
        count = min(buffer.nbytes, piece.nbytes)
        buffer[:count] = piece[:count]
        self._md5.update(piece[:count])
        self._rest[:1] = [piece[count:]] if count < piece.nbytes else []
        return count

    async def _next(self) -> Pieces | None:
        return await anext(self._pieces, None)
