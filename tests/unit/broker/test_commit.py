"""Group commit: units that are ready together share a transaction, and nobody suffers from another's fault."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import wait
from typing import Any

import pytest
from sqlalchemy import select

from shared.broker.commit import UnitWriter, to_exchange, to_local_queue
from shared.broker.committer import GROUP, Committer
from shared.broker.unit import Unit
from shared.database.engine import Conflict, Database, DatabaseAway
from shared.database.queue_tables import outgoing
from shared.database.records import File
from shared.database.statements import SEND
from shared.database.states import FileState, IllegalTransitionError
from shared.database.tables import events, files
from shared.lifecycle import running
from tests.contract.broker.kit import new_file
from tests.stack.rows import FILE_ROW


class CountingWriter(UnitWriter):
    """Notes how many units each transaction had, and fails as it is told."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, to_exchange)
        self.sizes: list[int] = []
        self.faults: dict[str, Exception] = {}

    def write(self, units: Sequence[Unit]) -> None:
        self.sizes.append(len(units))
        for unit in units:
            if unit.service in self.faults:
                raise self.faults[unit.service]
        super().write(units)


@pytest.fixture
def database(tmp_path: Any) -> Iterator[Database]:
    from shared.database.migrate import upgrade

    url = f"sqlite:///{tmp_path / 'strongroom.db'}"
    upgrade(url)
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def writer(database: Database) -> CountingWriter:
    return CountingWriter(database)


def registered(writer: UnitWriter, count: int = 1) -> list[File]:
    unit, made = Unit("test"), [new_file(FileState.UPLOADED) for _ in range(count)]
    for file in made:
        unit.add(FILE_ROW, **vars(file))
    writer.write([unit])
    return made


def moving(file: File, service: str = "test") -> Unit:
    unit = Unit(service)
    unit.move(file, FileState.ARCHIVED)
    return unit


def states(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.scalars(select(files.c.state)))


def test_units_that_are_ready_together_share_a_transaction(database: Database, writer: CountingWriter) -> None:
    made = registered(writer, GROUP + 3)
    committer = Committer(writer, on_commit=lambda _units: None)
    done = [committer.submit(moving(file)) for file in made]
    with running([committer]):
        wait(done, timeout=15)
    assert writer.sizes[1:] == [GROUP, 3]
    assert states(database) == ["archived"] * len(made)


def test_loser_of_a_race_takes_no_other_with_it(database: Database, writer: CountingWriter) -> None:
    first, second, third = registered(writer, 3)
    writer.write([moving(second)])
    committer = Committer(writer, on_commit=lambda _units: None)
    done = [committer.submit(moving(file)) for file in (first, second, third)]
    with running([committer]):
        wait(done, timeout=15)
    assert [type(future.exception()) for future in done] == [type(None), Conflict, type(None)]
    with database.read() as connection:
        assert len(connection.execute(select(events)).all()) == 3


@pytest.mark.parametrize("fault", [ValueError("a bug"), Conflict()])
def test_unit_with_a_fault_takes_no_other_with_it(writer: CountingWriter, fault: Exception) -> None:
    made = registered(writer, 3)
    writer.faults["faulty"] = fault
    committer = Committer(writer, on_commit=lambda _units: None)
    done = [committer.submit(moving(f, s)) for f, s in zip(made, ("test", "faulty", "test"), strict=True)]
    with running([committer]):
        wait(done, timeout=15)
        assert committer.alive
    assert [future.exception() for future in done] == [None, fault, None]


def test_nothing_is_tried_one_by_one_while_the_database_is_away(writer: CountingWriter) -> None:
    made = registered(writer, 3)
    writer.faults["test"] = DatabaseAway()
    committer = Committer(writer, on_commit=lambda _units: None)
    done = [committer.submit(moving(file)) for file in made]
    with running([committer]):
        wait(done, timeout=15)
    assert writer.sizes[1:] == [3]
    assert all(isinstance(future.exception(), DatabaseAway) for future in done)


def test_lone_unit_does_not_wait_for_company(writer: CountingWriter) -> None:
    [file] = registered(writer)
    committer, began = Committer(writer, on_commit=lambda _units: None, linger=30), time.monotonic()
    with running([committer]):
        committer.commit(moving(file))
    assert time.monotonic() - began < 10


def test_unit_that_breathes_waits_behind_a_group_only(writer: CountingWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.broker.committer.BREATH", 3600)
    alone, next_one, one, other, behind, urgent = registered(writer, 6)
    committer = Committer(writer, on_commit=lambda _units: None)
    group = [committer.submit(moving(file), breathes=True) for file in (one, other)]
    with running([committer]):
        wait(group, timeout=15)
        waiting = committer.submit(moving(behind), breathes=True)
        committer.commit(moving(urgent))
        waiting.result(15)
        committer.commit(moving(alone))
        committer.submit(moving(next_one), breathes=True).result(15)
    assert writer.sizes[1:] == [2, 2, 1, 1]


def test_unit_waits_for_those_under_way_but_not_longer_than_the_linger(writer: CountingWriter) -> None:
    first, second, third = registered(writer, 3)
    committer = Committer(writer, on_commit=lambda _units: None, linger=0.5)
    committer.expect(1)
    with running([committer]):
        done = [committer.submit(moving(first))]
        threading.Event().wait(0.05)
        done.append(committer.submit(moving(second)))
        wait(done, timeout=15)
        committer.commit(moving(third))
    assert writer.sizes[1:] == [2, 1]


def test_commits_are_told_and_what_was_submitted_is_committed_before_the_end(writer: CountingWriter) -> None:
    told = threading.Event()
    committer = Committer(writer, on_commit=lambda _units: told.set())
    with running([committer]):
        done = committer.submit(moving(registered(writer)[0]))
    assert done.done()
    assert told.is_set()


def test_group_runs_what_others_refer_to_first(database: Database) -> None:
    writer, made = UnitWriter(database, to_exchange), [new_file(FileState.UPLOADED) for _ in range(2)]
    units = []
    for file in made:
        unit = Unit("test")
        unit.event(file.id, "before its row")
        unit.add(FILE_ROW, **vars(file))
        units.append(unit)
    writer.write(units)
    assert states(database) == ["uploaded"] * 2


def test_refused_group_leaves_nothing_behind(database: Database) -> None:
    writer = UnitWriter(database, to_exchange)
    [file] = registered(writer)
    other = Unit("test")
    other.send_raw("ingest", "{}", None)
    with pytest.raises(Conflict):
        writer.write([other, moving(file), moving(file)])
    with database.read() as connection:
        assert connection.execute(select(outgoing)).all() == []
    assert states(database) == ["uploaded"]


@pytest.mark.parametrize("key", ["completed", "error", "unknown"])
def test_local_queue_drops_what_is_for_central_ega(key: str) -> None:
    unit = Unit("test")
    unit.send_raw(key, "{}", None)
    assert to_local_queue(unit.effects[0]) is None


def test_local_queue_has_the_name_of_the_key_and_an_address_is_kept() -> None:
    unit = Unit("test")
    unit.send_raw("ingest", "{}", None)
    unit.send_raw("whatever", "{}", None, queue="archived")
    routed = [to_local_queue(effect) for effect in unit.effects]
    assert [effect and (effect.statement is SEND, effect.values["queue"]) for effect in routed] == [
        (True, "ingest"), (True, "archived"),
    ]  # fmt: skip


def test_illegal_move_is_a_bug_that_shows_at_once() -> None:
    with pytest.raises(IllegalTransitionError):
        Unit("test").move(new_file(FileState.READY), FileState.UPLOADED)


def test_unknown_fact_is_a_bug_that_shows_at_once() -> None:
    with pytest.raises(AssertionError):
        Unit("test").move(new_file(FileState.UPLOADED), FileState.ARCHIVED, colour="red")
