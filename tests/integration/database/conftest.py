"""Both kinds of database, empty and with all tables."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.database.engine import Database
from shared.database.migrate import upgrade

KINDS = pytest.fixture(params=["sqlite", "postgres"])


@KINDS
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'strongroom.db'}"
    made = Database(url if request.param == "sqlite" else request.getfixturevalue("database"))
    yield made
    made.close()


@pytest.fixture
def migrated(empty: Database) -> Database:
    upgrade(empty.url.render_as_string(hide_password=False))
    return empty
