"""SQLite and folders: a copy of a prepared folder for each run."""

import shutil
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from shared.broker.commit import to_local_queue
from shared.database.engine import Database
from shared.database.migrate import upgrade
from shared.database.queue_tables import outgoing
from shared.storage.directory import DirectoryStore
from tests.faults.crash.stories import Story
from tests.faults.crash.world import STORES, World


class EmbeddedWorld(World):
    """What an embedded node has in its folder."""

    routing = staticmethod(to_local_queue)

    def __init__(self, folder: Path, story: Story) -> None:
        super().__init__(folder, story)
        self._node, self._template = folder / "node", folder / "template"
        self._node.mkdir()
        self._open()
        upgrade(self._url)
        self.fill(self.database)
        self.fill_stores(self.stores)
        self.database.close()
        self._node.rename(self._template)

    def begin(self) -> None:
        self.database.close()
        shutil.rmtree(self._node, ignore_errors=True)
        shutil.copytree(self._template, self._node)
        self._open()

    def settings(self) -> dict[str, Any]:
        return {name: f"dir:{self._node / name}" for name in STORES}

    def owed(self) -> int:
        query = select(func.count()).select_from(outgoing).where(outgoing.c.queue.in_(self.consumed))
        with self.database.read() as connection:
            return connection.scalar(query) or 0

    def check_queues(self) -> bool:
        return True

    @property
    def _url(self) -> str:
        return f"sqlite:///{self._node / 'strongroom.db'}"

    def _open(self) -> None:
        self.database = Database(self._url)
        self.stores = {name: DirectoryStore(self._node / name, name=name) for name in STORES}
