"""Statements over sets of rows: sent once for a group on PostgreSQL, prepared once and run row by row on SQLite.

Several of them go to PostgreSQL in one go, past SQLAlchemy, which would wait for each answer before the next.

Both run the same text, which reads its rows from `{rows}`: on PostgreSQL arrays unfolded into rows, on SQLite one row
of parameters. SQLite asks for `WHERE true` between such a source and ON CONFLICT.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar, cast

import psycopg
from sqlalchemy import Connection, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import psycopg as psycopg_dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

Values = Sequence[Mapping[str, Any]]
Value = TypeVar("Value")
Columns = Mapping[str, TypeEngine[Any]]


def padded(values: list[Value]) -> list[Value]:
    """Repeat the last value up to a power of two: so there are few forms of an `IN`, and the server prepares them."""
    wanted = 1 << max(0, len(values) - 1).bit_length()
    return [*values, *values[-1:] * (wanted - len(values))]


class SetStatement:
    """`sql` names its source of rows `{rows}`, known as `new` in it, with these columns.

    unique: columns that make a row; of several rows with the same values there the last one counts. PostgreSQL refuses
    to write one row twice by one statement, which a row-by-row run does without a word.
    """

    def __init__(self, sql: str, columns: Columns, *, unique: Sequence[str] = ()) -> None:
        self._sql = sql
        self._columns = columns
        self._unique = unique

    def run(self, connection: Connection, values: Values) -> int:
        """Run it for all rows, and return how many it has touched; none of `values` may lack a column."""
        return run_sets(connection, [(self, values)])[0]

    def run_by_row(self, connection: Connection, values: Values) -> int:
        """Run it on SQLite."""
        rows = [{name: row[name] for name in self._columns} for row in self._distinct(values)]
        return connection.execute(self.for_row, rows).rowcount

    def send(self, connection: "psycopg.Connection[Any]", values: Values) -> "psycopg.Cursor[Any]":
        """Send it to PostgreSQL."""
        rows = self._distinct(values)
        arrays = {name: [row[name] for row in rows] for name in self._columns}
        return connection.execute(self.for_arrays, arrays, prepare=True)

    @cached_property
    def for_arrays(self) -> str:
        """The statement for PostgreSQL's driver; each parameter is an array."""
        dialect = psycopg_dialect.dialect()  # type: ignore[no-untyped-call]
        arrays = ", ".join(f"CAST(:{n} AS {t.compile(dialect)}[])" for n, t in self._columns.items())
        names = ", ".join(f'"{name}"' for name in self._columns)
        return str(text(self._sql.format(rows=f"unnest({arrays}) AS new({names})")).compile(dialect=dialect))

    @cached_property
    def for_row(self) -> TextClause:
        """The statement for SQLite; the parameters are one row."""
        row = ", ".join(f':{name} AS "{name}"' for name in self._columns)
        typed = [bindparam(name, type_=kind) for name, kind in self._columns.items()]
        return text(self._sql.format(rows=f"(SELECT {row}) AS new")).bindparams(*typed)

    def _distinct(self, values: Values) -> Values:
        if not self._unique or len(values) == 1:
            return values
        return list({tuple(row[name] for name in self._unique): row for row in values}.values())


def run_sets(connection: Connection, sets: Sequence[tuple[SetStatement, Values]]) -> list[int]:
    """Run statements one after another, and return how many rows each has touched."""
    if connection.dialect.name != "postgresql":
        return [statement.run_by_row(connection, values) for statement, values in sets]
    with _driver(connection) as driver:
        with driver.pipeline():
            cursors = [statement.send(driver, values) for statement, values in sets]
        return [cursor.rowcount for cursor in cursors]


@contextmanager
def _driver(connection: Connection) -> Iterator["psycopg.Connection[Any]"]:
    """Yield the driver's connection; what it raises comes as SQLAlchemy's errors, and ends connections as there."""
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    try:
        yield driver
    except psycopg.Error as error:
        if driver.broken:
            connection.invalidate(error)
            connection.engine.dispose()
        raise DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True) from error
