"""Every named statement runs on both kinds of database, and changes what its name says."""

import contextlib
from typing import Any

import pytest
from sqlalchemy import Insert, select, text

from shared.broker import leases as lease_statements
from shared.broker.commit import UnitWriter, to_exchange
from shared.broker.leases import LEASE_CLAIM
from shared.broker.unit import Unit
from shared.database import statements
from shared.database.engine import Conflict, Database, DatabaseAway
from shared.database.pictures import Question, take_pictures
from shared.database.queue_tables import outgoing
from shared.database.records import (
    ChecksumSource,
    file_by_accession,
    file_by_id,
    file_by_path,
)
from shared.database.sets import SetStatement
from shared.database.statements import (
    DATASET_ADD_FILE,
    DATASET_REGISTER,
    HANDLED,
    SIDECAR_KEEP,
    Statement,
)
from shared.database.states import DatasetState, FileState
from shared.database.types import now
from shared.identifiers import DatasetId, new_message_id
from tests.contract.broker.kit import new_file
from tests.stack.rows import FILE_ROW

STATEMENTS = {
    name: value
    for module in (statements, lease_statements)
    for name, value in vars(module).items()
    if isinstance(value, Statement)
}
NUMBERS = {"size", "archive_size", "plain_size", "outgoing_id", "dead_letter", "attempt"}
TIMES = {
    "at", "seen", "due", "first_seen", "until", "expires_at", "registered_at", "changed_at", "issued_at", "revoked_at",
}  # fmt: skip
UUIDS = {"id", "message_id", "token", "lease_token", "handled_message", "handled_attempt"}
STATES = {"state", "was", "to", "to_state", "is_still"}
ABSENT = {"key_fingerprint"}


class RolledBackError(Exception):
    """The end of a trial."""


def value_of(name: str, file_id: str) -> Any:
    choices: list[tuple[set[str], Any]] = [
        (NUMBERS, 7), (TIMES, now()), (UUIDS, new_message_id()), (STATES, "registered"),
        ({"file", "file_id"}, file_id), ({"header"}, b"crypt4gh"), ({"dataset_id"}, "D-1"),
        ({"user"}, "ann"),
    ]  # fmt: skip
    return next((value for names, value in choices if name in names), f"some {name}")


def values_of(statement: Statement, file_id: str) -> dict[str, Any]:
    sql: Any = statement.sql
    if isinstance(sql, SetStatement):
        names = set(sql.for_row.compile().binds)
    elif isinstance(sql, Insert):
        names = {column.name for column in sql.table.columns} - {"id"}
    else:
        names = {name for name, bind in sql.compile().binds.items() if bind.required}
    return {name: None if name in ABSENT else value_of(name, file_id) for name in names}


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_statement_runs(migrated: Database, name: str) -> None:
    file = new_file(FileState.UPLOADED)
    statement = STATEMENTS[name]
    with contextlib.suppress(RolledBackError), migrated.write() as connection:
        FILE_ROW.run(connection, [vars(file)])
        DATASET_REGISTER.run(connection, [{"dataset_id": "D-1", "at": now()}])
        connection.execute(text("INSERT INTO users (name, registered_at) VALUES ('ann', '2026-01-01')"))
        touched = statement.run(connection, [values_of(statement, file.id)])
        if statement.conditional:
            assert touched in {0, 1}
        raise RolledBackError


def test_conditional_statement_counts_all_rows_of_a_group(migrated: Database) -> None:
    writer, made = UnitWriter(migrated, to_exchange), [new_file(FileState.UPLOADED) for _ in range(30)]
    units = [Unit("test") for _ in made]
    for unit, file in zip(units, made, strict=True):
        unit.add(FILE_ROW, **vars(file))
    writer.write(units)
    moves = [Unit("test") for _ in made]
    for unit, file in zip(moves, made, strict=True):
        unit.move(file, FileState.ARCHIVED, size=7)
    writer.write(moves)
    with migrated.read() as connection:
        found = [file_by_id(connection, file.id) for file in made]
    assert {(file.state, file.size) for file in found if file} == {("archived", 7)}
    with pytest.raises(Conflict):
        writer.write(moves)


def test_move_fills_in_facts_and_keeps_the_others(migrated: Database) -> None:
    writer, file = UnitWriter(migrated, to_exchange), new_file(FileState.UPLOADED)
    register, first, second = Unit("test"), Unit("test"), Unit("test")
    register.add(FILE_ROW, **vars(file))
    first.move(file, FileState.ARCHIVED, header=b"\x00\xff", archive_size=2**40)
    writer.write([register])
    writer.write([first])
    with migrated.read() as connection:
        archived = file_by_id(connection, file.id)
    assert archived is not None
    second.move(archived, FileState.VERIFIED, plain_size=1)
    writer.write([second])
    with migrated.read() as connection:
        verified = file_by_id(connection, file.id)
    assert verified is not None
    assert (verified.header, verified.archive_size, verified.plain_size) == (b"\x00\xff", 2**40, 1)
    assert (verified.changed_at, verified.registered_at) == (second.at, file.registered_at)


def test_message_is_handled_once(migrated: Database) -> None:
    writer, name = UnitWriter(migrated, to_exchange), new_message_id()
    for expected in (None, Conflict):
        unit = Unit("test")
        unit.add(HANDLED, queue="ingest", message_id=name, at=unit.at)
        with pytest.raises(expected) if expected else contextlib.nullcontext():
            writer.write([unit])


def test_connections_that_the_server_has_ended_are_told_of_once(migrated_database: str) -> None:
    database, other = Database(migrated_database), Database(migrated_database)
    writer, unit = UnitWriter(database, to_exchange), Unit("test")
    unit.send_raw("ingest", "{}", None)
    with database.read(), database.read():
        pass  # now two of them are kept
    with other.read() as connection:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        connection.execute(text(f"{ended} WHERE datname = current_database() AND pid <> pg_backend_pid()"))
    with pytest.raises(DatabaseAway):
        writer.write([unit])
    for _ in range(2):
        writer.write([unit])
    database.close()
    other.close()


def test_number_of_an_outgoing_row_never_comes_again(migrated: Database) -> None:
    writer, numbers = UnitWriter(migrated, to_exchange), []
    for _ in range(3):
        unit = Unit("test")
        unit.send_raw("ingest", "{}", None)
        writer.write([unit])
        with migrated.write() as connection:
            numbers.append(connection.scalars(select(outgoing.c.id)).one())
            connection.execute(outgoing.delete())
    assert len(set(numbers)) == 3


def test_repeated_records_change_nothing_or_replace(migrated: Database) -> None:
    writer, file = UnitWriter(migrated, to_exchange), new_file(FileState.UPLOADED)
    register = Unit("test")
    register.add(FILE_ROW, **vars(file))
    writer.write([register])
    for value in ("first", "second"):
        unit = Unit("test")
        unit.checksums(file.id, ChecksumSource.PLAIN, {"sha256": value})
        unit.add(DATASET_REGISTER, dataset_id="D-1", at=unit.at)
        unit.add(DATASET_ADD_FILE, dataset_id="D-1", file_id=file.id, at=unit.at)
        for ending, algorithm in ((".sha256", "sha256"), (".md5", "md5")):
            row = {"user": file.user, "path": file.path + ending, "algorithm": algorithm, "value": value}
            unit.add(SIDECAR_KEEP, **row, size=1, at=unit.at)
        writer.write([unit])
    release = Unit("test")
    release.move_dataset(DatasetId("D-1"), DatasetState.REGISTERED, DatasetState.RELEASED)
    writer.write([release])
    with pytest.raises(Conflict):
        writer.write([release])
    with migrated.read() as connection:
        [picture] = take_pictures(connection, [Question(file.id, file.user, file.path)])
        assert picture.checksums == {
            ChecksumSource.PLAIN: {"sha256": "second"},
            ChecksumSource.SUBMITTED: {"sha256": "second", "md5": "second"},
        }
        assert connection.scalar(text("SELECT state FROM datasets")) == "released"


def test_file_is_found_by_id_accession_and_path(migrated: Database) -> None:
    writer = UnitWriter(migrated, to_exchange)
    old, current = (new_file(FileState.UPLOADED) for _ in range(2))
    unit = Unit("test")
    values = {"user": "ann@example.org", "path": "run/a.c4gh"}
    unit.add(FILE_ROW, **vars(old) | values)
    unit.add(FILE_ROW, **vars(current) | values | {"inbox_location": "inbox", "accession": "F-1"})
    writer.write([unit])
    with migrated.read() as connection:
        by_path = file_by_path(connection, "ann@example.org", "/ann_example.org/run/a.c4gh")
        by_accession, by_id = file_by_accession(connection, "F-1"), file_by_id(connection, current.id)
        assert by_path == by_accession == by_id
        assert by_id is not None
        assert by_id.id == current.id
        assert file_by_path(connection, "eve", "run/a.c4gh") is None
        assert file_by_accession(connection, "F-2") is None


def test_lease_is_refused_once_a_copy_of_the_message_was_handled(migrated: Database) -> None:
    message, attempt, other = new_message_id(), new_message_id(), new_message_id()
    claim = {"token": new_message_id(), "at": now(), "expires_at": now(), "queue": "ingest"}
    with migrated.write() as connection:
        HANDLED.run(connection, [{"queue": "ingest", "message_id": attempt, "at": now()}])
        touched = [
            LEASE_CLAIM.run(connection, [{**claim, **which}])
            for which in (
                {"name": "a", "handled_message": message, "handled_attempt": attempt},
                {"name": "b", "handled_message": message, "handled_attempt": other},
                {"name": "c", "handled_message": None, "handled_attempt": None},
                {"name": "d", "handled_message": message, "handled_attempt": attempt, "queue": "archived"},
            )
        ]
    assert touched == [0, 1, 1, 1]
