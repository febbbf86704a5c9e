"""The promises that hold for every source of deliveries."""

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import text

from services.intercept.route import route
from shared.broker.delivery import Delivery
from shared.broker.node import Node
from shared.broker.runner import Handler, Runner
from shared.broker.unit import Unit
from shared.database.queue_tables import leases
from shared.database.records import File
from shared.database.statements import DEAD_LETTER_DROP, FILE_TOUCH
from shared.database.states import FileState
from shared.errors import FileRefused, MessageRefused, NotYet, TransientError
from shared.lifecycle import running
from shared.metrics import COMMITS
from tests.contract.broker.kit import FLOW, SERVICE, Flow, Job, Noting, acting_on, eventually, raising, wait

POISON = {
    "not JSON": b"not JSON",
    "no object": b"[1, 2]",
    "empty": b"",
    "NUL": b'{"type": "\x00"}',
    "NUL in an escape": b'{"type": "\\u0000"}',
    "half a character": b'{"type": "\\ud800"}',
    "invalid UTF-8": b'{"type": "\xff\xfe\x80"}',
    "no number": b'{"type": NaN}',
    "long number": b'{"type": ' + b"9" * 10_000 + b"}",
    "deep": b"[" * 100_000,
    "one mebibyte": b'{"type": "' + b"x" * 2**20 + b'"}',
}


class Promises:
    """Subclasses give the fixture `flow`."""

    @pytest.fixture
    def flow(self) -> Iterator[Flow]:
        raise NotImplementedError

    def test_delivery_is_handled_once_and_its_unit_committed(self, flow: Flow) -> None:
        file = flow.register()
        first, second = Noting(_pass_on(file)), Noting()
        with flow.runners(Job(handler=first), Job(queue="archived", handler=second)):
            flow.publish("ingest", b'{"n": 1}', file.id)
            eventually(lambda: bool(second.notes))
            eventually(lambda: flow.owed() == 0)
        assert [note.delivery.correlation_id for note in first.notes + second.notes] == [file.id, file.id]
        assert second.bodies == ['{"n": 1}']
        assert flow.happened(file) == ["passed on"]
        eventually(lambda: flow.backlog("ingest") == flow.backlog("archived") == 0)

    def test_message_waits_for_its_consumer(self, flow: Flow) -> None:
        file = flow.register()
        for number in range(20):
            flow.publish("ingest", str(number).encode())
        eventually(lambda: flow.backlog("ingest") == 20)
        with flow.runners(Job(handler=acting_on(file))):
            eventually(lambda: len(flow.happened(file)) == 20)
        assert sorted(flow.happened(file), key=int) == [str(number) for number in range(20)]
        eventually(lambda: flow.backlog("ingest") == 0)

    def test_delivery_says_whether_it_may_have_been_delivered_before(self, flow: Flow) -> None:
        stuck = _Stuck()
        first, second = Noting(stuck), Noting()
        with flow.runners(Job(handler=first, workers=1)) as [runner]:
            flow.publish("ingest", b"done")
            flow.publish("ingest", b"handed back")
            eventually(lambda: len(first.notes) == 1)
            stopping = threading.Thread(target=runner.stop)
            stopping.start()
            stuck.go_on.set()
            stopping.join(15)
        with flow.runners(Job(handler=second)):
            eventually(lambda: bool(second.notes))
            flow.publish("ingest", b"fresh")
            eventually(lambda: len(second.notes) == 2)
        assert [(note.body, note.delivery.redelivered) for note in first.notes + second.notes] == [
            ("done", False), ("handed back", True), ("fresh", False),
        ]  # fmt: skip

    def test_refused_file_goes_to_error_with_the_reason(self, flow: Flow) -> None:
        file = flow.register()
        with flow.runners(Job(handler=_refusing(file, FileRefused("it is cut: upload it again")))):
            flow.publish("ingest", b"{}", file.id)
            eventually(lambda: flow.file(file.id).state is FileState.ERROR)
        assert flow.file(file.id).error == "it is cut: upload it again"
        assert flow.happened(file) == ["error"]
        eventually(lambda: flow.backlog("ingest") == 0)

    def test_refused_message_leaves_the_state_as_it_was(self, flow: Flow) -> None:
        file = flow.register(FileState.VERIFIED)
        with flow.runners(Job(handler=_refusing(file, MessageRefused("the id is another file's")))):
            flow.publish("ingest", b"{}", file.id)
            eventually(lambda: flow.happened(file) == ["error"])
        found = flow.file(file.id)
        assert (found.state, found.error) == (FileState.VERIFIED, "the id is another file's")
        eventually(lambda: flow.backlog("ingest") == 0)

    def test_file_that_can_not_fail_keeps_its_state_when_refused(self, flow: Flow) -> None:
        file = flow.register(FileState.READY)
        with flow.runners(Job(handler=_refusing(file, FileRefused("damaged")))):
            flow.publish("ingest", b"{}", file.id)
            eventually(lambda: flow.happened(file) == ["error"])
        assert flow.file(file.id).state is FileState.READY

    def test_early_message_comes_again_after_its_delay(self, flow: Flow) -> None:
        handler = raising(NotYet("early"), NotYet("early"), NotYet("early"))
        with flow.runners(Job(handler=handler)):
            flow.publish("ingest", b"early", "some-correlation")
            eventually(lambda: len(handler.notes) == 4)
        assert [note.attempt for note in handler.notes] == [0, 1, 2, 3]
        assert {note.delivery.correlation_id for note in handler.notes} == {"some-correlation"}
        seen = [note.first_seen for note in handler.notes]
        assert (max(seen) - min(seen)).total_seconds() < 0.002
        gaps = [after.at - before.at for before, after in itertools.pairwise(handler.notes)]
        assert all(gap >= delay for gap, delay in zip(gaps, (0.1, 0.2, 0.2), strict=True))
        assert not flow.dead()

    def test_message_that_stays_early_dies_at_the_deadline(self, flow: Flow) -> None:
        handler = raising(*[NotYet("for ever early")] * 1000)
        with flow.runners(Job(handler=handler), not_yet_days=1 / 86400):
            flow.publish("ingest", b"early", "some-correlation")
            eventually(lambda: bool(flow.dead()))
        [letter] = flow.dead()
        assert (letter.queue, letter.body, letter.correlation_id) == ("ingest", "early", "some-correlation")
        assert (letter.reason, letter.trace) == ("NotYet: for ever early", None)
        assert len(handler.notes) >= 2

    def test_passing_fault_is_tried_again_with_growing_delays_and_then_dies(self, flow: Flow) -> None:
        handler = raising(*[TransientError("store away")] * 1000)
        with flow.runners(Job(handler=handler)):
            flow.publish("ingest", b"{}")
            eventually(lambda: bool(flow.dead()))
        assert [note.attempt for note in handler.notes] == [0, 1, 2]
        first, second = (after.at - before.at for before, after in itertools.pairwise(handler.notes))
        assert first >= 0.1
        assert second >= 0.3
        assert flow.dead()[0].reason == "TransientError: store away"
        assert flow.owed() == 0

    def test_bug_makes_a_dead_letter_with_the_trace_and_the_queue_goes_on(self, flow: Flow) -> None:
        file = flow.register()
        handler = Noting(_buggy(file))
        with flow.runners(Job(handler=handler, workers=1)) as [runner]:
            for body in (b"bug", b"fine"):
                flow.publish("ingest", body)
            eventually(lambda: flow.happened(file) == ["fine"])
            assert runner.alive
        [letter] = flow.dead()
        assert (letter.queue, letter.body) == ("ingest", "bug")
        assert letter.reason.startswith("ZeroDivisionError")
        assert "in _divide" in letter.trace
        assert handler.bodies == ["bug", "fine"]

    def test_bug_in_the_unit_itself_makes_a_dead_letter(self, flow: Flow) -> None:
        file = flow.register()

        def act(delivery: Delivery, unit: Unit) -> None:
            unit.event(file.id, object() if delivery.text == "bug" else delivery.text)  # type: ignore[arg-type]

        with flow.runners(Job(handler=act, workers=1)) as [runner]:
            for body in (b"bug", b"fine"):
                flow.publish("ingest", body)
            eventually(lambda: flow.happened(file) == ["fine"] and len(flow.dead()) == 1)
            assert runner.alive
        assert flow.dead()[0].body == "bug"
        eventually(lambda: flow.backlog("ingest") == 0)

    def test_no_body_blocks_those_behind_it(self, flow: Flow) -> None:
        last = Noting()
        good = json.dumps({"type": "ingest", "user": "ann", "filepath": "a.c4gh"})
        with flow.runners(Job(queue="from_cega", handler=route, workers=1), Job(handler=last)) as [runner, _]:
            for body in POISON.values():
                flow.publish("from_cega", body)
            flow.publish("from_cega", good.encode())
            eventually(lambda: last.bodies == [good])
            assert runner.alive
        eventually(lambda: flow.backlog("from_cega") == 0)
        assert not flow.dead()

    def test_reason_that_no_database_stores_is_stored_all_the_same(self, flow: Flow) -> None:
        file = flow.register()
        errors = iter([MessageRefused("\ud800 and \x00"), ZeroDivisionError("\ud800 and \x00")])

        def act(_delivery: Delivery, unit: Unit) -> None:
            unit.file = file
            raise next(errors)

        with flow.runners(Job(handler=act, workers=1)) as [runner]:
            flow.publish("ingest", b"{}")
            flow.publish("ingest", b"{}")
            eventually(lambda: len(flow.dead()) == 1)
            assert runner.alive
        assert flow.file(file.id).error == "? and \ufffd"
        assert flow.dead()[0].reason == "ZeroDivisionError: ? and \ufffd"

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


class _Stuck:
    """A handler that waits until it may go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def __call__(self, _delivery: Delivery, _unit: Unit) -> None:
        wait(self.go_on)


def _started(node: Node, runner: Runner) -> AbstractContextManager[None]:
    return running([*node.parts, runner])


def _pass_on(file: File) -> Handler:
    def act(delivery: Delivery, unit: Unit) -> None:
        unit.event(file.id, "passed on")
        unit.send_raw("archived", delivery.text, delivery.correlation_id)

    return act


def _refusing(file: File, error: Exception) -> Handler:
    def act(_delivery: Delivery, unit: Unit) -> None:
        unit.file = file
        unit.event(file.id, "never to be seen")
        raise error

    return act


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
