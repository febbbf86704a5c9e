"""What every source of deliveries promises: each is decided once, and every outcome has its consequence."""

import itertools
import json
import threading
from collections.abc import Iterator

import pytest

from services.intercept.route import route
from shared.broker.delivery import Delivery
from shared.broker.runner import Handler
from shared.broker.unit import Unit
from shared.database.records import File
from shared.database.states import FileState
from shared.errors import FileRefused, MessageRefused, NotYet, TransientError
from tests.contract.broker.kit import Flow, Job, Noting, acting_on, eventually, raising, wait

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


class DeliveryPromises:
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


class _Stuck:
    """A handler that waits until it may go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def __call__(self, _delivery: Delivery, _unit: Unit) -> None:
        wait(self.go_on)


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
