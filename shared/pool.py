"""Connections of an event loop, kept for the next user: the one that was used last is used first."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar


class Connection(Protocol):
    """What is pooled; `usable` turns False when the other side is gone."""

    @property
    def usable(self) -> bool: ...

    def discard(self) -> None:
        """Close it, at once and without waiting."""


C = TypeVar("C", bound=Connection)


class Pool(Generic[C]):
    """At most `most` connections in use at a time; of those that are not, `kept` stay open."""

    def __init__(self, connect: Callable[[], Awaitable[C]], *, most: int, kept: int) -> None:
        self._connect = connect
        self._most = most
        self._kept = kept
        self._idle: list[C] = []
        self._used = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closed = False

    async def take(self, *, fresh: bool = False) -> C:
        """Return a connection, with `fresh` a new one in any case. Raises what `connect` raises."""
        await self._turn()
        while self._idle and not fresh:
            connection = self._idle.pop()
            if connection.usable:
                return connection
            connection.discard()
        try:
            return await self._connect()
        except BaseException:
            self._leave()
            raise

    def give_back(self, connection: C, *, good: bool) -> None:
        """End the use of a connection; it is kept if it is `good` for another one."""
        if good and not self._closed and len(self._idle) < self._kept:
            self._idle.append(connection)
        else:
            connection.discard()
        self._leave()

    def close(self) -> None:
        """Close what is not in use now, and the rest when it is given back."""
        self._closed = True
        while self._idle:
            self._idle.pop().discard()

    async def _turn(self) -> None:
        if self._used < self._most:
            self._used += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._leave()  # it was its turn, and nobody will use it
            raise

    def _leave(self) -> None:
        """Let the next one have the place, or free it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._used -= 1
