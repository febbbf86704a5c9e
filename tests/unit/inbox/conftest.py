"""An inbox on SQLite and a folder, without any front."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.inbox.inbox import Inbox
from services.inbox.open_uploads import OpenUploads
from shared.broker.local import local_node
from shared.database.engine import Database
from shared.database.migrate import upgrade
from shared.lifecycle import running
from shared.storage.directory import DirectoryStore


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with all tables."""
    path = tmp_path_factory.mktemp("template") / "inbox.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def inbox(tmp_path: Path, template: Path) -> Iterator[Inbox]:
    """What the use cases stand on; messages stay in `outgoing`."""
    (tmp_path / "inbox.db").write_bytes(template.read_bytes())
    database = Database(f"sqlite:///{tmp_path / 'inbox.db'}")
    node = local_node(database)
    with running(node.parts):
        yield Inbox(database, node.committer, DirectoryStore(tmp_path / "store", name="inbox"), OpenUploads(8))
    database.close()
