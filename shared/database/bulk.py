"""Many rows in one statement: PostgreSQL takes them as one JSON text, at a fraction of the cost of as many inserts."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, TextClause, insert, text
from sqlalchemy.dialects import postgresql


def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows, which all have the same columns: texts, numbers, times and UUIDs."""
    if connection.dialect.name == "postgresql":
        content = json.dumps(rows, default=_written)
        connection.execute(_insert_json(table, tuple(rows[0])), {"rows": content})
    else:
        connection.execute(insert(table), rows)


@cache
def _insert_json(table: Table, names: tuple[str, ...]) -> TextClause:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    quoted = [dialect.identifier_preparer.quote(name) for name in names]
    typed = [f"{q} {table.c[name].type.compile(dialect)}" for q, name in zip(quoted, names, strict=True)]
    columns = ", ".join(quoted)
    found = f"SELECT {columns} FROM json_to_recordset(CAST(:rows AS JSON)) AS row ({', '.join(typed)})"  # noqa: S608
    return text(f"INSERT INTO {table.name} ({columns}) {found}")


def _written(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()
