"""The metrics that are read from the database, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import insert, text

from shared.database.engine import Database
from shared.database.metrics import DatabaseCollector
from shared.database.migrate import upgrade
from shared.database.queue_tables import dead_letters, outgoing
from shared.database.tables import datasets, files
from shared.database.types import now
from shared.identifiers import new_file_id, new_message_id


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'metrics.db'}"
        upgrade(url)
    else:
        url = request.getfixturevalue("migrated_database")
    with closing(Database(url)) as database:
        yield database


def add_file(database: Database, state: str) -> None:
    row = {"id": new_file_id(), "user": "u", "path": "p", "state": state, "registered_at": now(), "changed_at": now()}
    with database.write() as connection:
        connection.execute(insert(files).values(row))


def owe(database: Database, key: str, queue: str | None, due: timedelta) -> None:
    row = {
        "routing_key": key,
        "queue": queue,
        "due": now() + due,
        "message_id": new_message_id(),
        "body": "{}",
        "first_seen": now(),
    }
    with database.write() as connection:
        connection.execute(insert(outgoing).values(row))


def metrics(database: Database, kept_seconds: float = 0) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(DatabaseCollector(database, kept_seconds=kept_seconds))
    return registry


def test_empty_database_has_zeros(database: Database) -> None:
    registry = metrics(database)
    assert registry.get_sample_value("strongroom_database_up") == 1
    assert registry.get_sample_value("strongroom_files", {"state": "ready"}) == 0
    assert registry.get_sample_value("strongroom_datasets", {"state": "released"}) == 0
    assert registry.get_sample_value("strongroom_dead_letters") == 0


def test_rows_are_counted(database: Database) -> None:
    for state in ("ready", "ready", "error"):
        add_file(database, state)
    owe(database, "archived", None, -timedelta(seconds=90))
    owe(database, "ingest", "verify", -timedelta(seconds=30))
    owe(database, "ingest", "verify", timedelta(hours=1))
    owe(database, "completed", None, timedelta(hours=1))
    with database.write() as connection:
        connection.execute(insert(datasets).values(id="d", state="released", registered_at=now(), changed_at=now()))
        connection.execute(insert(dead_letters).values(queue="ingest", body="{}", reason="r", at=now()))
    registry = metrics(database)
    assert registry.get_sample_value("strongroom_files", {"state": "ready"}) == 2
    assert registry.get_sample_value("strongroom_files", {"state": "error"}) == 1
    assert registry.get_sample_value("strongroom_datasets", {"state": "released"}) == 1
    assert registry.get_sample_value("strongroom_dead_letters") == 1
    assert registry.get_sample_value("strongroom_outgoing_owed", {"queue": "verify"}) == 2
    oldest = {
        queue: registry.get_sample_value("strongroom_outgoing_oldest_seconds", {"queue": queue})
        for queue in ("archived", "verify", "completed")
    }
    assert oldest["completed"] == 0
    assert 90 <= (oldest["archived"] or 0) < 120
    assert 30 <= (oldest["verify"] or 0) < 60


def test_scrapes_share_an_answer_for_a_while(database: Database) -> None:
    registry = metrics(database, kept_seconds=60)
    assert registry.get_sample_value("strongroom_files", {"state": "ready"}) == 0
    add_file(database, "ready")
    assert registry.get_sample_value("strongroom_files", {"state": "ready"}) == 0
    assert metrics(database).get_sample_value("strongroom_files", {"state": "ready"}) == 1


def test_limit_of_a_scrape_does_not_stay_on_the_connection(migrated_database: str) -> None:
    with closing(Database(migrated_database, pool_size=1)) as database:
        metrics(database).get_sample_value("strongroom_database_up")
        with database.read() as connection:
            assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "1min"


def test_database_that_is_away_is_a_zero_and_no_failure(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'a' / 'metrics.db'}")) as database:
        registry = metrics(database)
        (tmp_path / "a").rmdir()
        assert registry.get_sample_value("strongroom_database_up") == 0
        assert registry.get_sample_value("strongroom_files", {"state": "ready"}) is None
