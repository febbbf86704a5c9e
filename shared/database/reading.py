"""Questions that an event loop asks the database: PostgreSQL without a thread, SQLite on one (ADRs 15, 21).

A question is a SQLAlchemy select; what it means is the same as through `Database.read`. SQLAlchemy's own asynchronous
engine costs several times as much for each question.
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect

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


class _Question(NamedTuple):
    """A question in the words of PostgreSQL: `$1` is the value of the first of `names`, and so on."""

    text: bytes
    names: Sequence[str]
    constants: Mapping[str, Any]


class PostgresReads:
    """Asks by libpq, in psycopg's wrapping and with its types; every question is prepared once on every connection."""

    def __init__(self, database: Database) -> None:
        self._address = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        # its spelling of parameters is that of the server; psycopg would have to rewrite another one each time
        self._dialect = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]
        self._known: dict[int, tuple[Select[Any], _Question]] = {}
        self._pool = Pool(self._connect, most=_CONNECTIONS, kept=_CONNECTIONS)

    async def rows(self, question: Select[Any], values: Mapping[str, Any]) -> Sequence[Row]:
        """Return the rows. Raises DatabaseAway, also when a new connection does not help."""
        compiled = self._compiled(question)
        asked = {**compiled.constants, **values}
        ordered = [asked[name] for name in compiled.names]
        try:
            return await self._ask(compiled.text, ordered, fresh=False)
        except DatabaseAway:
            return await self._ask(compiled.text, ordered, fresh=True)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self._pool.close()

    def _compiled(self, question: Select[Any]) -> _Question:
        known = self._known.get(id(question))
        if known is None:
            compiled = question.compile(dialect=self._dialect)
            names = compiled.positiontup or ()
            known = question, _Question(str(compiled).encode(), names, dict(compiled.params))
            self._known[id(question)] = known
        return known[1]

    async def _ask(self, text: bytes, values: Sequence[Any], *, fresh: bool) -> Sequence[Row]:
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
                self._address, autocommit=True, connect_timeout=_CONNECT_SECONDS, options=_OPTIONS
            )
        except psycopg.OperationalError as error:
            raise DatabaseAway(f"the database does not answer: {type(error).__name__}") from error
        return _Connection(connection)


class _Connection:
    """Asks one question at a time; psycopg's cursors would watch the socket anew for each, and rewrite its text."""

    def __init__(self, connection: psycopg.AsyncConnection[Row]) -> None:
        self._libpq = connection.pgconn
        self._connection = connection
        self._types = Transformer(connection)
        self._prepared: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        self._results: list[PGresult] = []
        self._answered: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._socket = self._libpq.socket
        self._loop.add_reader(self._socket, self._read)

    @property
    def usable(self) -> bool:
        return not self._connection.closed

    def discard(self) -> None:
        self._unwatch()
        # as `AsyncConnection.close` does, which has to be awaited for no reason but its kin
        with suppress(psycopg.Error):
            self._libpq.finish()

    async def ask(self, text: bytes, values: Sequence[Any]) -> Sequence[Row]:
        """Return the rows. Raises what psycopg raises."""
        types = self._types
        parameters = types.dump_sequence(values, [PyFormat.AUTO] * len(values))
        formats, oids = types.formats, types.types or ()
        name = self._prepared.get((text, oids)) or await self._prepare(text, oids)
        self._libpq.send_query_prepared(name, parameters, param_formats=formats, result_format=Format.BINARY)
        result = await self._answer()
        types.set_pgresult(result)
        return [tuple(map(_plain, row)) for row in types.load_rows(0, result.ntuples, tuple)]

    async def _prepare(self, text: bytes, types: tuple[int, ...]) -> bytes:
        name = b"question_%d" % len(self._prepared)
        self._libpq.send_prepare(name, text, param_types=types)
        await self._answer()
        self._prepared[text, types] = name
        return name

    async def _answer(self) -> PGresult:
        self._results = []
        self._answered = answered = self._loop.create_future()
        if self._libpq.flush():
            self._loop.add_writer(self._socket, self._write)
        await answered
        result = self._results[-1]
        if result.status not in {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}:
            raise error_from_result(result)
        return result

    def _write(self) -> None:
        """Send what the socket did not take at once."""
        try:
            if not self._libpq.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.Error as error:
            self._broke(error)

    def _read(self) -> None:
        """Take what has come; with the last of it the answer is complete."""
        try:
            self._libpq.consume_input()
            while not self._libpq.is_busy():
                result = self._libpq.get_result()
                if result is None:
                    self._tell(None)
                    return
                self._results.append(result)
        except psycopg.Error as error:
            self._broke(error)

    def _broke(self, error: psycopg.Error) -> None:
        self._unwatch()
        self._tell(error)

    def _tell(self, error: psycopg.Error | None) -> None:
        answered, self._answered = self._answered, None
        if answered is None or answered.done():
            return
        if error is None:
            answered.set_result(None)
        else:
            answered.set_exception(error)

    def _unwatch(self) -> None:
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)


def _plain(value: Any) -> Any:  # noqa: ANN401 - a column
    """Return what SQLAlchemy makes of a value, for the types of our tables."""
    if type(value) is UUID:
        return str(value)
    return value.astimezone(UTC) if type(value) is datetime else value
