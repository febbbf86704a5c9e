"""A database of users."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.database.engine import Database
from shared.database.migrate import upgrade


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with all tables."""
    path = tmp_path_factory.mktemp("template") / "users.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def database(tmp_path: Path, template: Path) -> Iterator[Database]:
    (tmp_path / "users.db").write_bytes(template.read_bytes())
    database = Database(f"sqlite:///{tmp_path / 'users.db'}")
    yield database
    database.close()
