"""What every source of deliveries promises to work that is shared, contested, long, stopped or put off."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import text

from shared.broker.delivery import Delivery
from shared.broker.node import Node
from shared.broker.runner import Handler, Runner
from shared.broker.unit import Unit
from shared.database.queue_tables import leases
from shared.database.records import File
from shared.database.statements import DEAD_LETTER_DROP, FILE_TOUCH
from shared.database.states import FileState
from shared.errors import TransientError
from shared.lifecycle import running
from shared.metrics import COMMITS
from tests.contract.broker.kit import FLOW, SERVICE, Flow, Job, Noting, acting_on, eventually, wait


class WorkPromises:
    """Subclasses give the fixture `flow`."""

    @pytest.fixture
    def flow(self) -> Iterator[Flow]:
        raise NotImplementedError

    def test_two_runners_share_a_queue_and_each_message_acts_once(self, flow: Flow) -> None:
        file = flow.register()
        one, other = acting_on(file), acting_on(file)
        with flow.runners(Job(handler=one), Job(handler=other)):
            for number in range(60):
                flow.publish("ingest", str(number).encode())
            eventually(lambda: len(flow.happened(file)) >= 60)
            eventually(lambda: flow.owed() == 0)
        assert sorted(map(int, flow.happened(file))) == list(range(60))
        assert one.notes
        assert other.notes

    def test_unit_that_loses_a_race_is_decided_anew(self, flow: Flow) -> None:
        file = flow.register()
        rivals = iter([True])

        def act(_delivery: Delivery, unit: Unit) -> None:
            found = flow.file(file.id)
            if next(rivals, False):
                _touch(flow, file)
            unit.move(found, FileState.ARCHIVED)

        handler = Noting(act)
        with flow.runners(Job(handler=handler)):
            flow.publish("ingest", b"{}")
            eventually(lambda: flow.file(file.id).state is FileState.ARCHIVED)
        assert [note.delivery.races_lost for note in handler.notes] == [0, 1]
        assert flow.happened(file) == ["archived"]

    def test_delivery_that_loses_every_race_is_put_off(self, flow: Flow) -> None:
        file = flow.register()
        rivals = iter([True] * 6)

        def act(_delivery: Delivery, unit: Unit) -> None:
            found = flow.file(file.id)
            if next(rivals, False):
                _touch(flow, file)
            unit.move(found, FileState.ARCHIVED)

        handler = Noting(act)
        with flow.runners(Job(handler=handler)):
            flow.publish("ingest", b"{}")
            eventually(lambda: flow.file(file.id).state is FileState.ARCHIVED)
        assert [note.attempt for note in handler.notes] == [0] * 6 + [1]

    def test_ready_units_share_transactions_and_a_loser_goes_alone(self, flow: Flow) -> None:
        files = [flow.register() for _ in range(8)]
        ready, rivals = threading.Barrier(8, timeout=15), iter([True])

        def act(delivery: Delivery, unit: Unit) -> None:
            file = files[int(delivery.text)]
            found = flow.file(file.id)
            if file is files[0] and next(rivals, False):
                _touch(flow, file)
            if not delivery.races_lost:
                ready.wait()
            unit.move(found, FileState.ARCHIVED)

        handler, before = Noting(act), COMMITS._value.get()
        with flow.runners(Job(handler=handler, workers=8)):
            for number in range(8):
                flow.publish("ingest", str(number).encode())
            eventually(lambda: all(flow.file(file.id).state is FileState.ARCHIVED for file in files))
        assert [flow.happened(file) for file in files] == [["archived"]] * 8
        assert sorted(note.body for note in handler.notes if note.delivery.races_lost) == ["0"]
        assert COMMITS._value.get() - before <= 8 + 1

    def test_second_worker_waits_while_the_first_holds_the_lease(self, flow: Flow) -> None:
        file = flow.register()
        begun, go_on = threading.Event(), threading.Event()

        def act(delivery: Delivery, unit: Unit) -> None:
            found = flow.file(file.id)
            if found.state is FileState.ARCHIVED:
                unit.event(file.id, f"{delivery.text} came late")
                return
            claimed = node.leases.claim(unit, found, moving_to=FileState.SUBMITTED)
            begun.set()
            wait(go_on)
            unit.move(claimed, FileState.ARCHIVED)

        handler = Noting(act)
        with flow.node(**FLOW, lease_seconds=2) as node:
            runner = node.runner(SERVICE, "ingest", handler, workers=2)
            with _started(node, runner):
                flow.publish("ingest", b"first")
                wait(begun)
                held_until = _expiry(flow, file)
                flow.publish("ingest", b"second")
                # it is renewed while the work goes on, and the other one is put off again and again
                eventually(lambda: _expiry(flow, file) > held_until and len(handler.notes) > 3)
                go_on.set()
                eventually(lambda: flow.happened(file) == ["submitted", "archived", "second came late"])
        assert handler.bodies.count("first") == 1
        assert _expiry(flow, file) == ""

    def test_work_whose_lease_has_expired_is_taken_over_and_its_late_result_refused(self, flow: Flow) -> None:
        file = flow.register()
        begun, go_on = threading.Event(), threading.Event()

        def act(delivery: Delivery, unit: Unit) -> None:
            found = flow.file(file.id)
            if found.state is FileState.ARCHIVED:
                return
            claimed = node.leases.claim(unit, found, moving_to=FileState.SUBMITTED)
            if delivery.text == "slow" and not begun.is_set():
                assert unit.lease is not None
                node.leases.forget(unit.lease)
                begun.set()
                wait(go_on)
            unit.event(file.id, f"{delivery.text} worked")
            unit.move(claimed, FileState.ARCHIVED)

        handler = Noting(act)
        with flow.node(**FLOW) as node:
            runner = node.runner(SERVICE, "ingest", handler, workers=2)
            with _started(node, runner):
                flow.publish("ingest", b"slow")
                wait(begun)
                _expire(flow)
                flow.publish("ingest", b"successor")
                eventually(lambda: flow.file(file.id).state is FileState.ARCHIVED)
                go_on.set()
                eventually(lambda: handler.bodies.count("slow") == 2)
                eventually(lambda: flow.owed() == 0)
        assert flow.happened(file) == ["submitted", "successor worked", "archived"]

    def test_lease_is_given_back_when_the_work_fails(self, flow: Flow) -> None:
        file = flow.register()
        faults = iter([TransientError("store away")])

        def act(_delivery: Delivery, unit: Unit) -> None:
            claimed = node.leases.claim(unit, flow.file(file.id), moving_to=FileState.SUBMITTED)
            for fault in faults:
                raise fault
            unit.move(claimed, FileState.ARCHIVED)

        with flow.node(**FLOW) as node:
            runner = node.runner(SERVICE, "ingest", act)
            with _started(node, runner):
                flow.publish("ingest", b"{}")
                eventually(lambda: flow.file(file.id).state is FileState.ARCHIVED)
        assert flow.happened(file) == ["submitted", "archived"]
        assert _expiry(flow, file) == ""

    def test_stop_finishes_what_is_under_way_and_hands_back_the_rest(self, flow: Flow) -> None:
        file = flow.register()
        go_on, begun = threading.Event(), threading.Semaphore(0)

        def act(delivery: Delivery, unit: Unit) -> None:
            begun.release()
            wait(go_on)
            unit.event(file.id, delivery.text)

        first, second = Noting(act), acting_on(file)
        for number in range(10):
            flow.publish("ingest", str(number).encode())
        with flow.runners(Job(handler=first, workers=2)) as [runner]:
            assert begun.acquire(timeout=15)
            assert begun.acquire(timeout=15)
            stopping = threading.Thread(target=runner.stop)
            stopping.start()
            go_on.set()
            stopping.join(15)
        assert len(first.notes) == len(flow.happened(file)) == 2
        with flow.runners(Job(handler=second)):
            eventually(lambda: len(flow.happened(file)) == 10)
        assert sorted(map(int, flow.happened(file))) == list(range(10))
        eventually(lambda: flow.backlog("ingest") == 0)

    def test_message_due_in_the_future_waits(self, flow: Flow) -> None:
        handler = Noting()
        unit = Unit(SERVICE)
        unit.send_raw("ingest", "due later", None, due=unit.at.replace(year=unit.at.year + 1))
        unit.send_raw("ingest", "due now", None)
        flow.commit(unit)
        with flow.runners(Job(handler=handler)):
            eventually(lambda: bool(handler.notes))
            eventually(lambda: flow.owed() == 1)
        assert handler.bodies == ["due now"]

    def test_dead_letter_can_be_replayed(self, flow: Flow) -> None:
        file = flow.register()
        handler = Noting(_buggy(file, bugs=1))
        with flow.runners(Job(handler=handler)):
            flow.publish("ingest", b"bug", file.id)
            eventually(lambda: len(flow.dead()) == 1)
            [letter] = flow.dead()
            unit = Unit(SERVICE)
            unit.add(DEAD_LETTER_DROP, dead_letter=letter.id)
            unit.send_raw(letter.queue, letter.body, letter.correlation_id, queue=letter.queue)
            flow.commit(unit)
            eventually(lambda: flow.happened(file) == ["bug"])
        assert not flow.dead()
        assert handler.notes[-1].delivery.correlation_id == file.id


def _started(node: Node, runner: Runner) -> AbstractContextManager[None]:
    return running([*node.parts, runner])


def _buggy(file: File, bugs: int = 1000) -> Handler:
    left = iter(range(bugs))

    def act(delivery: Delivery, unit: Unit) -> None:
        if delivery.text == "bug" and next(left, None) is not None:
            _divide(0)
        unit.event(file.id, delivery.text)

    return act


def _divide(number: int) -> float:
    return 1 / number


def _touch(flow: Flow, file: File) -> None:
    unit = Unit("rival")
    unit.add(FILE_TOUCH, file=file.id, is_still=file.state.value, at=unit.at)
    flow.commit(unit)


def _expiry(flow: Flow, file: File) -> str:
    with flow.database.read() as connection:
        found = connection.execute(leases.select().where(leases.c.name == file.id)).one_or_none()
    return "" if found is None else found.expires_at.isoformat()


def _expire(flow: Flow) -> None:
    with flow.database.write() as connection:
        connection.execute(text("UPDATE leases SET expires_at = '2020-01-01'"))
