"""An archive for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.database.engine import Database
from shared.database.migrate import upgrade
from tests.unit.pipeline.kit import Archive


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("template") / "strongroom.db"
    upgrade(f"sqlite:///{path}")
    return path.read_bytes()


@pytest.fixture
def node(template: bytes, tmp_path: Path) -> Iterator[Archive]:
    (tmp_path / "strongroom.db").write_bytes(template)
    database = Database(f"sqlite:///{tmp_path / 'strongroom.db'}")
    archive = Archive(tmp_path, database)
    yield archive
    archive.close()
    database.close()
