"""The promises on SQLite alone, and those that only the embedded source makes."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.broker.local import locked
from shared.database.engine import Database
from shared.database.migrate import upgrade
from shared.errors import ConfigurationError
from tests.contract.broker.delivery_promises import DeliveryPromises
from tests.contract.broker.embedded import EmbeddedFlow
from tests.contract.broker.kit import Job, acting_on, eventually
from tests.contract.broker.work_promises import WorkPromises


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("template") / "strongroom.db"
    upgrade(f"sqlite:///{path}")
    return path.read_bytes()


class TestEmbedded(DeliveryPromises, WorkPromises):
    @pytest.fixture
    def flow(self, template: bytes, tmp_path: Path) -> Iterator[EmbeddedFlow]:
        path = tmp_path / "strongroom.db"
        path.write_bytes(template)
        database = Database(f"sqlite:///{path}")
        yield EmbeddedFlow(database)
        database.close()

    def test_locked_database_delays_and_loses_nothing(self, flow: EmbeddedFlow) -> None:
        file = flow.register()
        for number in range(10):
            flow.publish("ingest", str(number).encode())
        with flow.runners(Job(handler=acting_on(file))), flow.database.write():
            threading.Event().wait(0.5)
        with flow.runners(Job(handler=acting_on(file))):
            eventually(lambda: len(flow.happened(file)) == 10)
        assert sorted(map(int, flow.happened(file))) == list(range(10))


def test_folder_belongs_to_one_process(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(ConfigurationError, match="in use"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass
