"""Statements over sets of rows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Integer, create_engine, text
from sqlalchemy.types import Text

from shared.database.sets import SetStatement, padded

PUT = SetStatement(
    "INSERT INTO pairs (name, value) SELECT name, value FROM {rows} WHERE true "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    {"name": Text(), "value": Integer()},
    unique=("name",),
)
CHANGE = SetStatement(
    "UPDATE pairs SET value = new.value FROM {rows} WHERE pairs.name = new.name",
    {"name": Text(), "value": Integer()},
)


@pytest.fixture
def connection() -> Any:
    with create_engine("sqlite://").connect() as connection:
        connection.execute(text("CREATE TABLE pairs (name TEXT PRIMARY KEY, value INTEGER)"))
        yield connection


def pairs(connection: Any) -> dict[str, int]:
    return {row.name: row.value for row in connection.execute(text("SELECT name, value FROM pairs"))}


def test_of_rows_for_one_place_the_last_counts(connection: Any) -> None:
    touched = PUT.run(connection, [{"name": "a", "value": 1}, {"name": "b", "value": 2}, {"name": "a", "value": 3}])
    assert (touched, pairs(connection)) == (2, {"a": 3, "b": 2})


def test_touched_rows_are_counted_and_other_columns_ignored(connection: Any) -> None:
    PUT.run(connection, [{"name": "a", "value": 1}])
    rows = [{"name": "a", "value": 5, "more": 0}, {"name": "missing", "value": 6, "more": 0}]
    assert (CHANGE.run(connection, rows), pairs(connection)) == (1, {"a": 5})


def test_arrays_are_typed_for_the_server() -> None:
    source = 'unnest(CAST(%(name)s AS TEXT[]), CAST(%(value)s AS INTEGER[])) AS new("name", "value")'
    assert source in CHANGE.for_arrays


@given(st.lists(st.integers(), max_size=70))
def test_padding_changes_no_set_and_leaves_few_lengths(values: list[int]) -> None:
    longer = padded(values)
    assert set(longer) == set(values)
    assert len(longer) in {0, 1, 2, 4, 8, 16, 32, 64, 128}
