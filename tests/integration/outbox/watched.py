"""A store that tells which of its bodies were asked for, and how many are being read."""

from shared.storage.streams import BodyStream, RawBody, StreamingStore


class WatchedStreams:
    """Passes everything on to a real store, notes what is asked for, and counts the bodies that are open."""

    def __init__(self, wrapped: StreamingStore) -> None:
        self._wrapped = wrapped
        self.open_bodies = 0
        self.asked: list[tuple[str, int, int]] = []

    async def stream(self, key: str, offset: int, length: int) -> BodyStream:
        self.asked.append((key, offset, length))
        body = await self._wrapped.stream(key, offset, length)
        self.open_bodies += 1
        return _WatchedBody(body, self)

    def address(self, method: str, key: str, *, seconds: int) -> str | None:
        return self._wrapped.address(method, key, seconds=seconds)

    def close(self) -> None:
        self._wrapped.close()


class _WatchedBody:
    def __init__(self, body: BodyStream, store: WatchedStreams) -> None:
        self._body = body
        self._store = store

    async def piece(self) -> bytes | memoryview:
        return await self._body.piece()

    def raw(self) -> RawBody | None:
        return self._body.raw()

    def close(self) -> None:
        self._body.close()
        self._store.open_bodies -= 1
