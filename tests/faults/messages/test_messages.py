"""None of ten thousand messages is lost or acted on twice, however often their consumers are killed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.broker import topology
from shared.database.engine import Database
from shared.database.migrate import upgrade
from tests.contract.broker.embedded import EmbeddedFlow
from tests.contract.broker.kit import Flow
from tests.contract.broker.real import RealFlow
from tests.faults.figures import Note, Row
from tests.faults.load.load import until
from tests.faults.load.scale import Scale, chosen_scale
from tests.faults.messages.killing import MESSAGES, Battue, battue
from tests.faults.messages.worker import REFUSED

KILLS = 2
"""Kills for each of those in the tests of load, since here each costs less."""


@pytest.fixture
def scale() -> Scale:
    return chosen_scale()


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[EmbeddedFlow]:
    url = f"sqlite:///{tmp_path / 'strongroom.db'}"
    upgrade(url)
    database = Database(url)
    yield EmbeddedFlow(database)
    database.close()


@pytest.fixture
def real(vhost: str, migrated_database: str) -> Iterator[RealFlow]:
    database = Database(migrated_database)
    yield RealFlow(database, vhost)
    database.close()


def test_embedded_runner_that_is_killed_acts_on_each_message_once(
    embedded: EmbeddedFlow, scale: Scale, note: Note
) -> None:
    with battue(embedded, processes=1) as running:
        _conclude(running, embedded, "messages: the embedded process killed", scale, note)


def test_runners_on_rabbitmq_that_are_killed_act_on_each_message_once(real: RealFlow, scale: Scale, note: Note) -> None:
    with battue(real, processes=2, broker_url=real.url) as running:
        _conclude(running, real, "messages: one of two processes killed", scale, note)
    until("all deliveries to be settled", lambda: not _waiting(real, topology.INGEST, topology.ARCHIVED))
    assert _waiting(real, topology.Queue(topology.DEAD_QUEUE)) == 0
    ids = {real.take(topology.ERROR.name)[0].message_id for _ in range(_waiting(real, topology.ERROR))}
    # one that is published twice has the same id twice, by which its consumer knows it
    assert len(ids) == sum(number % 10 == REFUSED for number in range(MESSAGES))


def _conclude(running: Battue, flow: Flow, fault: str, scale: Scale, note: Note) -> None:
    running.kill_all_along(scale.kills * KILLS)
    in_flight, recovery = running.in_flight(), running.seconds_until_the_next_act()
    until("all messages to come to their end", lambda: flow.owed() == 0 and running.in_flight() == 0, scale.patience)
    lost, doubled = running.lost_and_doubled()
    figures = {"files": MESSAGES, "in_flight": in_flight, "lost": lost, "doubled": doubled}
    note(Row(fault=fault, times=running.kills, recovery=round(recovery, 2), **figures))
    assert (lost, doubled) == (0, 0)
    assert not flow.dead()


def _waiting(real: RealFlow, *queues: topology.Queue) -> int:
    return sum(real.backlog(queue.name) for queue in queues)
