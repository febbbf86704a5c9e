"""The one process of an embedded node is killed again and again; each file gets ready exactly once."""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from shared.broker.commit import to_local_queue
from shared.crypto.keys import load_public_key
from shared.database.engine import Database
from shared.database.queue_tables import leases
from shared.database.types import now
from shared.identifiers import new_message_id
from shared.storage.settings import open_store
from tests.e2e.nodes import EmbeddedNode
from tests.faults.figures import Note
from tests.faults.load.audit import check_all, conclude
from tests.faults.load.load import Load, Supply, pass_time, until
from tests.faults.load.scale import Scale

SEED = 20


@pytest.fixture
def node(tmp_path: Path) -> Iterator[EmbeddedNode]:
    node = EmbeddedNode(tmp_path, "--automatic")
    node.start()
    yield node
    if node.process is not None:
        assert node.stop() == 0, node.logs()[-2000:]


@pytest.fixture
def load(node: EmbeddedNode) -> Iterator[Load]:
    database = Database(f"sqlite:///{node.data / 'strongroom.db'}")
    stores = {name: open_store(f"dir:{node.data / 'store' / name}", None) for name in ("inbox", "archive", "backup")}
    yield Load(database, to_local_queue, stores, load_public_key(node.public_key))
    database.close()


def test_the_process_is_killed_again_and_again_under_load(
    node: EmbeddedNode, load: Load, scale: Scale, note: Note
) -> None:
    chance, supply = random.Random(SEED), Supply(load, scale.files)
    kills = scale.kills // 2  # each start takes longer than a second
    for _ in range(kills):
        supply.fill()
        pass_time(chance.random() / 4)
        supply.strike(node.kill)
        node.start()
    fault, least = "the embedded process killed again and again", min(supply.in_flight)
    conclude(load, supply.some, fault=fault, times=kills, note=note, patience=scale.patience, in_flight=least)
    check_all(load)


def test_a_file_whose_worker_was_killed_need_not_wait_for_its_lease(node: EmbeddedNode, load: Load) -> None:
    some, in_an_hour = load.put(1), now() + timedelta(hours=1)
    with load.database.write() as connection:
        connection.execute(insert(leases).values(name=some[0], token=new_message_id(), expires_at=in_an_hour))
    node.kill()
    node.start()
    load.tell(some)
    until("the file to be ready", lambda: load.ready(some), 60)
