"""Pooled connections: the last one used is used first, no more than allowed, and a place is never lost."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shared.pool import Pool


class Connection:
    def __init__(self, number: int) -> None:
        self.number = number
        self.usable = True
        self.discarded = False

    def discard(self) -> None:
        self.discarded = True


class Server:
    def __init__(self) -> None:
        self.made: list[Connection] = []
        self.away = False

    async def connect(self) -> Connection:
        if self.away:
            raise ConnectionError
        self.made.append(Connection(len(self.made)))
        return self.made[-1]


def run(story: Callable[[Server, Pool[Connection]], Awaitable[None]], *, most: int = 2, kept: int = 2) -> None:
    async def play() -> None:
        server = Server()
        await story(server, Pool(server.connect, most=most, kept=kept))

    asyncio.run(play())


def test_last_one_used_is_used_first() -> None:
    async def story(_: Server, pool: Pool[Connection]) -> None:
        one, two = await pool.take(), await pool.take()
        pool.give_back(one, good=True)
        pool.give_back(two, good=True)
        assert await pool.take() is two

    run(story)


def test_connections_that_are_gone_or_bad_are_not_used_again() -> None:
    async def story(server: Server, pool: Pool[Connection]) -> None:
        one, two = await pool.take(), await pool.take()
        pool.give_back(one, good=False)
        pool.give_back(two, good=True)
        two.usable = False
        assert (await pool.take()).number == 2
        assert one.discarded
        assert two.discarded

    run(story)


def test_fresh_one_is_new_even_if_others_are_kept() -> None:
    async def story(_: Server, pool: Pool[Connection]) -> None:
        pool.give_back(await pool.take(), good=True)
        assert (await pool.take(fresh=True)).number == 1

    run(story)


def test_no_more_are_in_use_than_allowed_and_who_waits_gets_the_next() -> None:
    async def story(server: Server, pool: Pool[Connection]) -> None:
        one, _ = await pool.take(), await pool.take()
        waiting = asyncio.ensure_future(pool.take())
        await asyncio.sleep(0)
        assert not waiting.done()
        pool.give_back(one, good=True)
        assert await waiting is one
        assert len(server.made) == 2

    run(story)


def test_place_of_who_gave_up_or_failed_is_not_lost() -> None:
    async def story(server: Server, pool: Pool[Connection]) -> None:
        one = await pool.take()
        waiting = [asyncio.ensure_future(pool.take()) for _ in range(2)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        pool.give_back(one, good=True)
        assert await waiting[1] is one
        pool.give_back(one, good=False)
        server.away = True
        for _ in range(3):
            with pytest.raises(ConnectionError):
                await pool.take()
        server.away = False
        await pool.take()

    run(story, most=1)


def test_cancelled_at_its_turn_lets_the_next_one_in() -> None:
    async def story(_: Server, pool: Pool[Connection]) -> None:
        one = await pool.take()
        first, second = (asyncio.ensure_future(pool.take()) for _ in range(2))
        await asyncio.sleep(0)
        pool.give_back(one, good=True)
        first.cancel()
        assert await second is one

    run(story, most=1)


def test_closed_pool_keeps_nothing() -> None:
    async def story(_: Server, pool: Pool[Connection]) -> None:
        one, two = await pool.take(), await pool.take()
        pool.give_back(one, good=True)
        pool.close()
        pool.give_back(two, good=True)
        assert one.discarded
        assert two.discarded

    run(story)
