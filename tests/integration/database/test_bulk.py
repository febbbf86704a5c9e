"""Rows that are added in one statement are the rows that went in."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from shared.database.bulk import insert_many
from shared.database.engine import Conflict, Database
from shared.database.tables import audit
from shared.identifiers import new_file_id

TEXTS = ["", "plain", 'a "quoted" \\ word', "line\nbreak", "ä☃😀", "'; DROP TABLE audit; --", ":name %s %(x)s"]


def row(number: int, text: str) -> dict[str, Any]:
    return {
        "number": number,
        "at": datetime(2027, 1, 31, 12, 0, 0, 123456, tzinfo=UTC),
        "service": "outbox",
        "user": text,
        "action": text,
        "target": text,
        "file_id": new_file_id() if number % 2 else None,
        "outcome": "whole",
        "bytes": 2**40 + number,
        "reader_key": None,
        "correlation_id": text,
        "digest": "0" * 64,
    }


def test_what_goes_in_comes_out(migrated: Database) -> None:
    rows = [row(number, text) for number, text in enumerate(TEXTS, 1)]
    with migrated.write() as connection:
        insert_many(connection, audit, rows)
    with migrated.read() as connection:
        assert [dict(found._mapping) for found in connection.execute(select(audit).order_by(audit.c.number))] == rows


def test_constraints_hold_for_all_of_them(migrated: Database) -> None:
    with pytest.raises(Conflict), migrated.write() as connection:
        insert_many(connection, audit, [row(1, "a"), row(1, "b")])
    with migrated.read() as connection:
        assert not connection.execute(select(audit)).all()
