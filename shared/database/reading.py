"""Questions that an event loop asks the database: PostgreSQL without a thread, SQLite on one (ADR 15).

A question is a SQLAlchemy select; what it means is the same as through `Database.read`. SQLAlchemy's own asynchronous
engine costs several times as much for each question.
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import psycopg
from psycopg.rows import tuple_row
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import psycopg as psycopg_dialect

from shared.database.engine import Database, DatabaseAway
from shared.pool import Pool

Row = tuple[Any, ...]

_CONNECTIONS = 10
_CONNECT_SECONDS = 5
_OPTIONS = "-c statement_timeout=30000 -c default_transaction_read_only=on"


class AsyncReads(Protocol):
    """Asks; every question stands alone."""

    async def rows(self, question: Select[Any], values: Mapping[str, Any]) -> Sequence[Row]:
        """Return the rows. Raises DatabaseAway."""
        ...

    def close(self) -> None:
        """Close the connections that nobody uses."""
        ...


def async_reads(database: Database) -> AsyncReads:
    """Return what asks this database."""
    return ThreadedReads(database) if database.is_sqlite else PostgresReads(database)


class ThreadedReads:
    """Asks on threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._threads = ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="reads")

    async def rows(self, question: Select[Any], values: Mapping[str, Any]) -> Sequence[Row]:
        """Return the rows. Raises DatabaseAway."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._rows, question, values)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False)

    def _rows(self, question: Select[Any], values: Mapping[str, Any]) -> Sequence[Row]:
        with self._database.read() as connection:
            return [tuple(row) for row in connection.execute(question, values)]


class PostgresReads:
    """Asks by psycopg; every question is prepared once on every connection."""

    def __init__(self, database: Database) -> None:
        self._address = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._dialect = psycopg_dialect.dialect()  # type: ignore[no-untyped-call]
        self._texts: dict[int, tuple[Select[Any], str, dict[str, Any]]] = {}
        self._pool = Pool(self._connect, most=_CONNECTIONS, kept=_CONNECTIONS)

    async def rows(self, question: Select[Any], values: Mapping[str, Any]) -> Sequence[Row]:
        """Return the rows. Raises DatabaseAway, also when a new connection does not help."""
        text, constants = self._compiled(question)
        asked = {**constants, **values}
        try:
            return await self._ask(text, asked, fresh=False)
        except DatabaseAway:
            return await self._ask(text, asked, fresh=True)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self._pool.close()

    def _compiled(self, question: Select[Any]) -> tuple[str, dict[str, Any]]:
        known = self._texts.get(id(question))
        if known is None:
            compiled = question.compile(dialect=self._dialect)
            known = question, str(compiled), dict(compiled.params)
            self._texts[id(question)] = known
        return known[1], known[2]

    async def _ask(self, text: str, values: Mapping[str, Any], *, fresh: bool) -> Sequence[Row]:
        connection = await self._pool.take(fresh=fresh)
        good = False
        try:
            rows = await connection.ask(text, values)
            good = True
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise DatabaseAway(f"the database does not answer: {type(error).__name__}") from error
        finally:
            self._pool.give_back(connection, good=good)
        return rows

    async def _connect(self) -> "_Connection":
        try:
            connection = await psycopg.AsyncConnection.connect(
                self._address,
                autocommit=True,
                prepare_threshold=0,
                connect_timeout=_CONNECT_SECONDS,
                options=_OPTIONS,
                row_factory=tuple_row,
            )
        except psycopg.OperationalError as error:
            raise DatabaseAway(f"the database does not answer: {type(error).__name__}") from error
        return _Connection(connection)


class _Connection:
    def __init__(self, connection: psycopg.AsyncConnection[Row]) -> None:
        self._connection = connection
        self._cursor = connection.cursor(binary=True)

    @property
    def usable(self) -> bool:
        return not self._connection.closed

    def discard(self) -> None:
        # as `AsyncConnection.close` does, which has to be awaited for no reason but its kin
        with suppress(psycopg.Error):
            self._connection.pgconn.finish()

    async def ask(self, text: str, values: Mapping[str, Any]) -> Sequence[Row]:
        await self._cursor.execute(text, values, prepare=True)
        return [tuple(map(_plain, row)) for row in await self._cursor.fetchall()]


def _plain(value: Any) -> Any:  # noqa: ANN401 - a column
    """Return what SQLAlchemy makes of a value, for the types of our tables."""
    if type(value) is UUID:
        return str(value)
    return value.astimezone(UTC) if type(value) is datetime else value
