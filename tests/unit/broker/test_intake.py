"""Deliveries are asked about together, and one that can't be asked about takes no other with it."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection

from shared.broker.commit import UnitWriter, to_local_queue
from shared.broker.committer import Committer
from shared.broker.delivery import Delivery
from shared.broker.embedded import Bell, EmbeddedSource
from shared.broker.intake import FRESH, Intake, Ready
from shared.broker.unit import Unit
from shared.database.engine import Database, DatabaseAway
from shared.database.migrate import upgrade

POISON = b"poison"


class Asked:
    """A `load` that notes what it was asked together, and fails at poison."""

    def __init__(self) -> None:
        self.groups: list[list[bytes]] = []

    def __call__(self, _connection: Connection, deliveries: Sequence[Delivery]) -> Sequence[object]:
        bodies = [delivery.body for delivery in deliveries]
        self.groups.append(bodies)
        if POISON in bodies:
            raise ValueError("poison")
        return [body.decode() for body in bodies]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'strongroom.db'}"
    upgrade(url)
    database = Database(url)
    yield database
    database.close()


def make_intake(database: Database, load: Asked, away: list[Delivery]) -> tuple[Intake, EmbeddedSource]:
    writer = UnitWriter(database, to_local_queue)
    source = EmbeddedSource(database, "ingest", Bell(), prefetch=8)
    committer = Committer(writer, on_commit=lambda _units: None)
    return Intake("test", source, database, committer, load, lambda delivery, _: away.append(delivery)), source


def send(database: Database, *bodies: bytes) -> None:
    unit = Unit("test")
    for body in bodies:
        unit.send_raw("ingest", body.decode(), None)
    UnitWriter(database, to_local_queue).write([unit])


def take(intake: Intake, count: int) -> list[Ready]:
    ready = [intake.next(15) for _ in range(count)]
    assert all(ready)
    return [one for one in ready if one is not None]


def test_all_that_wait_are_asked_about_together(database: Database) -> None:
    send(database, b"1", b"2", b"3")
    load = Asked()
    intake, source = make_intake(database, load, [])
    source.start()
    intake.start()
    assert [ready.delivery.known for ready in take(intake, 3)] == ["1", "2", "3"]
    intake.stop()
    assert load.groups == [[b"1", b"2", b"3"]]


def test_poison_takes_no_other_with_it(database: Database) -> None:
    send(database, b"1", POISON, b"3")
    intake, source = make_intake(database, Asked(), [])
    source.start()
    intake.start()
    found = take(intake, 3)
    intake.stop()
    assert [(ready.delivery.known, type(ready.fault)) for ready in found] == [
        ("1", type(None)), (None, ValueError), ("3", type(None)),
    ]  # fmt: skip


def test_what_was_not_taken_is_handed_back_at_the_end(database: Database) -> None:
    send(database, b"1", b"2")
    intake, source = make_intake(database, Asked(), [])
    source.start()
    intake.start()
    [first] = take(intake, 1)
    intake.stop()
    intake.leave()
    again = source.get(1)
    assert again is not None
    assert (again.body, again.redelivered) == (b"2", True)
    assert source.holds(first.delivery)


def test_while_the_database_is_away_nothing_is_asked_twice_and_all_goes_back(database: Database) -> None:
    send(database, b"1")
    away: list[Delivery] = []
    told = threading.Event()

    def load(_connection: Connection, _deliveries: Sequence[Delivery]) -> Sequence[object]:
        told.set()
        raise DatabaseAway

    intake, source = make_intake(database, load, away)  # type: ignore[arg-type]
    source.start()
    intake.start()
    assert told.wait(15)
    intake.stop()
    assert [delivery.body for delivery in away] == [b"1"]
    assert intake.next(0) is None


def test_delivery_that_is_decided_anew_is_asked_about_anew(database: Database) -> None:
    intake, _ = make_intake(database, Asked(), [])
    intake.again(Delivery(queue="ingest", body=b"1", receipt=1))
    [ready] = take(intake, 1)
    assert not ready.fresh
    assert intake.look(ready.delivery).fresh
    assert FRESH > 0
