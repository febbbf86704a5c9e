"""Migrations make exactly the tables of the code, and no service works on another schema."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from shared.database.engine import Conflict, Database
from shared.database.migrate import MIGRATIONS, SCHEMA, present_version, require_current, upgrade
from shared.database.queue_tables import metadata
from shared.errors import ConfigurationError


def test_migrations_make_the_tables_of_the_code(migrated: Database) -> None:
    options = {"compare_type": True, "compare_server_default": True}
    with migrated.read() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    assert differences == []


def test_version_named_in_the_code_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == SCHEMA


def test_all_constraints_have_names(migrated: Database) -> None:
    inspector = inspect(migrated.engine)
    for table in metadata.tables:
        named: list[Any] = [*inspector.get_foreign_keys(table), *inspector.get_unique_constraints(table)]
        named += inspector.get_check_constraints(table)
        if not migrated.is_sqlite:  # which has no place for the name where it counts a key up by itself
            named.append(inspector.get_pk_constraint(table))
        assert all(constraint["name"] for constraint in named), table


def test_second_upgrade_changes_nothing(migrated: Database) -> None:
    upgrade(migrated.url.render_as_string(hide_password=False))
    assert present_version(migrated) == SCHEMA


def test_current_schema_is_taken(migrated: Database) -> None:
    require_current(migrated)


def test_empty_database_is_refused_with_what_to_run(empty: Database) -> None:
    with pytest.raises(ConfigurationError, match=r"schema version none.*needs.*run `strongroom migrate`"):
        require_current(empty)


@pytest.mark.parametrize("version", ["0000", "9999"])
def test_older_and_newer_schemas_are_refused_with_what_to_run(migrated: Database, version: str) -> None:
    with migrated.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    with pytest.raises(ConfigurationError, match=rf"schema version {version}.*`strongroom migrate`.*or the version of"):
        require_current(migrated)


@pytest.mark.parametrize("verb", ["UPDATE {} SET at = at", "DELETE FROM {}"])
def test_what_happened_can_not_be_changed(migrated: Database, verb: str) -> None:
    for table, row in (("events", _FILE_EVENT), ("dataset_events", _DATASET_EVENT)):
        with migrated.write() as connection:
            for statement in row:
                connection.execute(text(statement))
        with pytest.raises(Exception, match="append-only"), migrated.write() as connection:
            connection.execute(text(verb.format(table)))
        with migrated.read() as connection:
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 1


@pytest.mark.parametrize(
    ("statement", "constraint", "column"),
    [
        ("INSERT INTO dataset_files VALUES ('none', :id, '2026-01-01')", "fk_dataset_files_", "FOREIGN KEY"),
        ("UPDATE files SET state = 'lost'", "ck_files_state", "ck_files_state"),
        ("UPDATE files SET accession = 'F-1'", "uq_files_accession", "files.accession"),
        ("UPDATE files SET inbox_location = 'inbox'", "uq_files_inbox", "files.path"),
    ],
)
def test_conflict_names_what_it_is_about(migrated: Database, statement: str, constraint: str, column: str) -> None:
    with migrated.write() as connection:
        for name in (_ID, _OTHER):
            connection.execute(text(_FILE), {"id": name})
    wanted = column if migrated.is_sqlite else constraint
    with pytest.raises(Conflict, match=wanted), migrated.write() as connection:
        connection.execute(text(statement), {"id": _ID} if ":id" in statement else {})


def test_error_does_not_show_the_values_of_a_statement(migrated: Database) -> None:
    with pytest.raises(Exception, match="no_such_table") as caught, migrated.write() as connection:
        connection.execute(text("SELECT * FROM no_such_table WHERE a = :user"), {"user": "ann@example.org"})
    assert "ann" not in str(caught.value)
    assert "ann" not in str(caught.value.__cause__)


_ID, _OTHER = "5b1d6a3e52a14e0f8f3593a5c65c9a2b", "5b1d6a3e52a14e0f8f3593a5c65c9a2c"
_FILE = (
    'INSERT INTO files (id, "user", path, state, registered_at, changed_at) '
    "VALUES (:id, 'ann', 'a', 'uploaded', '2026-01-01', '2026-01-01')"
)
_FILE_EVENT = (
    _FILE.replace(":id", f"'{_ID}'"),
    f"INSERT INTO events (file_id, event, service, at) VALUES ('{_ID}', 'uploaded', 'inbox', '2026-01-01')",
)
_DATASET_EVENT = (
    "INSERT INTO datasets VALUES ('D-1', 'registered', '2026-01-01', '2026-01-01')",
    "INSERT INTO dataset_events (dataset_id, event, service, at) VALUES ('D-1', 'registered', 'x', '2026-01-01')",
)
