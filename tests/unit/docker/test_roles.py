"""The rights of the services' roles are those that their statements need."""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql import ClauseElement, Select

from services.cli import registry
from shared.database.engine import Database
from shared.database.queue_tables import metadata
from shared.database.roles import ADD, CHANGE, FLOW, READ, REMOVE, ROLES, apply_roles, grant_statements
from shared.database.sets import SetStatement
from shared.database.statements import Statement

PACKAGES = {**{service: f"services.{service}" for service in registry.SERVICES}, "staff": "services.cli"}
VERBS = {"INSERT INTO": ADD, "UPDATE": CHANGE, "DELETE FROM": REMOVE}


def test_every_service_has_a_role() -> None:
    assert set(ROLES) == {*registry.SERVICES, "staff"}


@pytest.mark.parametrize("service", PACKAGES)
def test_the_statements_of_a_service_are_allowed_to_its_role(service: str) -> None:
    for sql in _statements(PACKAGES[service]):
        for table, verbs in _needs(sql).items():
            assert verbs <= _given(service, table), (service, table, sql)


@pytest.mark.parametrize("service", registry.SERVICES)
def test_the_statements_of_the_message_flow_are_allowed_to_every_service(service: str) -> None:
    for sql in _statements("shared.broker"):
        needs = {table: verbs for table, verbs in _needs(sql).items() if table in FLOW}
        assert needs or _needs(sql).keys() <= {"files", "checksums", "datasets", "events", "dataset_events"}, sql
        for table, verbs in needs.items():
            assert verbs <= ROLES[service].get(table, frozenset()), (table, sql)


def test_only_tables_that_exist_are_named() -> None:
    named = {place.partition("(")[0] for rights in ROLES.values() for place in rights}
    assert named <= {*metadata.tables, "alembic_version"}


def test_nobody_but_staff_changes_passwords() -> None:
    readers = {service for service, rights in ROLES.items() if "users" in rights}
    assert readers == {"inbox", "login", "staff"}
    assert ROLES["inbox"]["users"] == READ
    assert ROLES["login"]["users"] == READ | ADD


def test_no_service_deletes_files_or_what_happened_to_them() -> None:
    kept = ("files", "events", "datasets", "dataset_files", "dataset_events", "keys")
    assert not [(s, t) for s, rights in ROLES.items() for t in kept if rights.get(t, frozenset()) & REMOVE]
    assert not [s for s, rights in ROLES.items() if rights.get("events", frozenset()) & CHANGE]


def test_rights_of_before_are_taken_first() -> None:
    first, second, *rest = grant_statements(["verify"])
    assert first.startswith("REVOKE ALL ON ALL TABLES")
    assert second.startswith("REVOKE ALL ON ALL SEQUENCES")
    assert all(statement.startswith("GRANT ") for statement in rest)


def test_sqlite_knows_no_roles(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    assert apply_roles(database) == ()
    database.close()


def _statements(package: str) -> list[str]:
    """Compile all statements and questions that the modules of a package hold or import."""
    folder = import_module(package).__path__
    modules = [import_module(module.name) for module in walk_packages(folder, f"{package}.")]
    values = [value for module in modules for value in vars(module).values()]
    statements = [value.sql if isinstance(value, Statement) else value for value in values]
    clauses = [text(sql.for_arrays) if isinstance(sql, SetStatement) else sql for sql in statements]
    found = [clause for clause in clauses if isinstance(clause, ClauseElement)]
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return [str(clause.compile(dialect=dialect)) for clause in found if isinstance(clause, Select) or _changes(clause)]


def _given(service: str, table: str) -> frozenset[str]:
    """Return the rights that a role has on a table or on some of its columns."""
    places = (verbs for place, verbs in ROLES[service].items() if place.partition("(")[0] == table)
    return frozenset[str]().union(*places)


def _changes(clause: ClauseElement) -> bool:
    return bool(re.match(r"INSERT INTO|UPDATE|DELETE FROM", str(clause)))


def _needs(sql: str) -> dict[str, frozenset[str]]:
    """Tell which rights a statement needs, by table."""
    needs: dict[str, frozenset[str]] = {}
    for verb, table in re.findall(r"(INSERT INTO|DELETE FROM|UPDATE|FROM|JOIN) (\w+)", sql):
        if table in metadata.tables:
            needs[table] = needs.get(table, frozenset()) | VERBS.get(verb, READ)
    [changed] = re.findall(r"^(?:INSERT INTO|UPDATE) (\w+)", sql) or [None]
    if changed and "ON CONFLICT" in sql:
        needs[changed] |= READ | (CHANGE if "DO UPDATE" in sql else frozenset())
    if changed and " WHERE " in sql:
        needs[changed] |= READ
    if "FOR UPDATE" in sql:
        needs = {table: verbs | CHANGE for table, verbs in needs.items()}
    return needs
