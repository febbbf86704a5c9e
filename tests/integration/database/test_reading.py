"""Questions of an event loop: answered alike by both databases, side by side, and over connections that break."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from psycopg import Error
from sqlalchemy import Integer, Text, bindparam, insert, literal_column, select, text

from shared.database.arrays import TextArray, is_among
from shared.database.engine import Database
from shared.database.reading import AsyncReads, async_reads
from shared.database.tables import audit
from shared.database.types import UtcDateTime
from tests.integration.database.test_bulk import TEXTS, row

ECHO = select(bindparam("said", type_=Text()))
BY_TIME = select(audit.c.number, audit.c.at, audit.c.file_id).where(audit.c.at == bindparam("at", type_=UtcDateTime()))
AMONG = (
    select(audit.c.user)
    .where(is_among(audit.c.user, bindparam("users", type_=TextArray())))
    .order_by(audit.c.number)
    .limit(bindparam("count", type_=Integer()))
)
Story = Callable[[AsyncReads], Awaitable[None]]


def run(database: Database, story: Story) -> None:
    async def told() -> None:
        reads = async_reads(database)
        try:
            await story(reads)
        finally:
            reads.close()

    asyncio.run(told())


def test_values_come_back_as_they_are_in_the_tables(migrated: Database) -> None:
    rows = [row(number, said) for number, said in enumerate(TEXTS, 1)]
    with migrated.write() as connection:
        connection.execute(insert(audit), rows)

    async def story(reads: AsyncReads) -> None:
        found = await reads.rows(BY_TIME, {"at": datetime(2027, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)})
        assert sorted(found) == [(told["number"], told["at"], told["file_id"]) for told in rows]
        assert await reads.rows(AMONG, {"users": TEXTS[1:3], "count": 9}) == [(TEXTS[1],), (TEXTS[2],)]
        assert await reads.rows(AMONG, {"users": TEXTS, "count": 100_000}) == [(said,) for said in TEXTS]
        assert not await reads.rows(AMONG, {"users": [], "count": 9})

    run(migrated, story)


def test_many_questions_at_a_time_get_their_own_answers(empty: Database) -> None:
    async def story(reads: AsyncReads) -> None:
        answers = await asyncio.gather(*(reads.rows(ECHO, {"said": str(number)}) for number in range(100)))
        assert answers == [[(str(number),)] for number in range(100)]

    run(empty, story)


def test_long_questions_and_answers_are_whole(empty: Database) -> None:
    long = "ä" * 8_000_000

    async def story(reads: AsyncReads) -> None:
        assert await reads.rows(ECHO, {"said": long}) == [(long,)]

    run(empty, story)


def test_connection_that_the_server_ended_is_replaced_unnoticed(database: str) -> None:
    made = Database(database)

    async def story(reads: AsyncReads) -> None:
        await reads.rows(ECHO, {"said": "before"})
        with made.read() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            )
        assert await reads.rows(ECHO, {"said": "after"}) == [("after",)]

    run(made, story)
    made.close()


def test_refused_question_does_not_spoil_the_next(database: str) -> None:
    made = Database(database)
    wrong = select(literal_column("1 / 0", Integer()))

    async def story(reads: AsyncReads) -> None:
        with pytest.raises(Error, match="division by zero"):
            await reads.rows(wrong, {})
        assert await reads.rows(ECHO, {"said": "after"}) == [("after",)]

    run(made, story)
    made.close()


def test_question_that_is_given_up_does_not_answer_the_next(database: str) -> None:
    made = Database(database)
    slow = select(literal_column("pg_sleep(0.2)::text", Text()))

    async def story(reads: AsyncReads) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reads.rows(slow, {}), 0.05)
        assert await reads.rows(ECHO, {"said": "after"}) == [("after",)]

    run(made, story)
    made.close()
