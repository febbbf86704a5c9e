"""The promises on RabbitMQ and PostgreSQL, and those that only they make."""

import json
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from services.intercept.route import bury
from shared.broker.delivery import Delivery
from shared.broker.topology import DEAD_QUEUE, DELIVERY_LIMIT
from shared.broker.unit import Unit
from shared.database.engine import Database
from shared.errors import FileRefused, NotYet
from shared.lifecycle import running
from tests.contract.broker.delivery_promises import DeliveryPromises
from tests.contract.broker.kit import SERVICE, Job, Noting, acting_on, eventually, wait
from tests.contract.broker.real import RealFlow
from tests.contract.broker.work_promises import WorkPromises
from tests.stack.handles import RabbitMQ
from tests.stack.management import Management


class TestReal(DeliveryPromises, WorkPromises):
    @pytest.fixture
    def flow(self, vhost: str, migrated_database: str) -> Iterator[RealFlow]:
        database = Database(migrated_database)
        yield RealFlow(database, vhost)
        database.close()

    def test_refusal_is_told_with_the_original_message_as_text(self, flow: RealFlow) -> None:
        file = flow.register()

        def act(_delivery: Delivery, unit: Unit) -> None:
            unit.file = file
            raise FileRefused("it is cut: upload it again")

        with flow.runners(Job(handler=act)):
            flow.publish("ingest", b'{"a": "\x00\xff"}', file.id)
            properties, body = flow.take("error")
        told = json.loads(body)
        assert set(told) == {"error", "reason", "original-message"}
        assert told["reason"] == "it is cut: upload it again"
        assert told["original-message"] == '{"a": "\ufffd\ufffd"}'
        assert (properties.correlation_id, properties.content_type, properties.delivery_mode) == (
            file.id, "application/json", 2,
        )  # fmt: skip

    def test_same_message_published_twice_acts_once(self, flow: RealFlow) -> None:
        file = flow.register()
        handler = acting_on(file)
        with flow.runners(Job(handler=handler, workers=1)):
            for name in ("4b5e9aa0-7cb9-4c0a-8c71-d1a5e7fd0c11", "any name", "any name"):
                flow.publish_with("ingest", name.encode(), message_id=name)
                flow.publish_with("ingest", name.encode(), message_id=name)
            flow.publish("ingest", b"last")
            eventually(lambda: "last" in flow.happened(file))
        assert flow.happened(file) == ["4b5e9aa0-7cb9-4c0a-8c71-d1a5e7fd0c11", "any name", "last"]
        eventually(lambda: flow.backlog("ingest") == 0)

    def test_copy_that_was_put_off_while_the_other_was_at_work_does_nothing(self, flow: RealFlow) -> None:
        file, go_on, at_work = flow.register(), threading.Event(), threading.Lock()

        def act(delivery: Delivery, unit: Unit) -> None:
            if at_work.locked():
                raise NotYet("another worker is at it")
            with at_work:
                wait(go_on)
                unit.event(file.id, delivery.text)

        handler = Noting(act)
        with flow.runners(Job(handler=handler)):
            flow.publish_with("ingest", b"once", message_id="one")
            flow.publish_with("ingest", b"once", message_id="one")
            eventually(lambda: {note.attempt for note in handler.notes} >= {0, 1})
            go_on.set()
            eventually(lambda: flow.happened(file) == ["once"])
            eventually(lambda: flow.owed() == flow.backlog("ingest") == 0)
            flow.publish("ingest", b"last")
            eventually(lambda: "last" in flow.happened(file))
        assert flow.happened(file) == ["once", "last"]
        assert not flow.dead()

    def test_message_redelivered_after_its_commit_acts_once(
        self, flow: RealFlow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file, other = flow.register(), flow.register()
        late = acting_on(other)
        with monkeypatch.context() as patched:
            patched.setattr("shared.broker.consuming.RabbitSource.settle", lambda _self, _delivery: None)
            with flow.runners(Job(handler=acting_on(file))):
                flow.publish_with("ingest", b"once", message_id="one")
                eventually(lambda: flow.happened(file) == ["once"])
        eventually(lambda: flow.backlog("ingest") == 1)
        with flow.runners(Job(handler=late)):
            eventually(lambda: flow.backlog("ingest") == 0)
        assert (flow.happened(file), flow.happened(other), late.notes) == (["once"], [], [])

    def test_stopping_worker_hands_back_at_once_what_it_has_not_begun(self, flow: RealFlow) -> None:
        file, go_on, begun = flow.register(), threading.Event(), threading.Event()

        def act(delivery: Delivery, unit: Unit) -> None:
            begun.set()
            wait(go_on)
            unit.event(file.id, delivery.text)

        for number in range(6):
            flow.publish("ingest", str(number).encode())
        with flow.runners(Job(handler=act, workers=1)) as [runner]:
            wait(begun)
            stopping = threading.Thread(target=runner.stop)
            stopping.start()
            eventually(lambda: flow.backlog("ingest") == 5)
            go_on.set()
            stopping.join(15)
            eventually(lambda: len(flow.happened(file)) == 1)
        eventually(lambda: flow.backlog("ingest") == 5)

    def test_closed_connection_is_opened_again_and_nothing_is_lost(self, flow: RealFlow, rabbitmq: RabbitMQ) -> None:
        file, management = flow.register(), Management(rabbitmq)
        name = urlsplit(flow.url).path[1:]
        begun, go_on = threading.Event(), threading.Event()

        def act(delivery: Delivery, unit: Unit) -> None:
            begun.set()
            wait(go_on)
            unit.event(file.id, delivery.text)
            unit.send_raw("archived", delivery.text, None)

        after = Noting()
        with flow.runners(Job(handler=act), Job(queue="archived", handler=after)):
            for number in range(20):
                flow.publish_with("ingest", str(number).encode(), message_id=f"message {number}")
            wait(begun)
            eventually(lambda: management.close_connections(name) > 0)
            go_on.set()
            eventually(lambda: len(set(after.bodies)) == 20)
            eventually(lambda: flow.owed() == 0)
        assert sorted(map(int, flow.happened(file))) == list(range(20))
        eventually(lambda: flow.backlog("ingest") == flow.backlog("archived") == 0)

    def test_two_relays_share_the_table(self, flow: RealFlow) -> None:
        handler, unit = Noting(), Unit(SERVICE)
        for number in range(1000):
            unit.send_raw("ingest", str(number), None)
        flow.commit(unit)
        with flow.runners(), flow.runners():
            eventually(lambda: flow.owed() == 0)
        eventually(lambda: flow.backlog("ingest") == 1000)
        with flow.runners(Job(handler=handler, workers=8), prefetch=100):
            eventually(lambda: flow.backlog("ingest") == 0 and len(handler.notes) >= 1000)
        assert sorted(map(int, handler.bodies)) == list(range(1000))

    def test_unroutable_message_becomes_a_dead_letter(self, flow: RealFlow) -> None:
        unit = Unit(SERVICE)
        unit.send_raw("nowhere", "for nobody", "some-correlation")
        unit.send_raw("ingest", "for ingest", None)
        flow.commit(unit)
        with flow.runners():
            eventually(lambda: flow.owed() == 0)
        [letter] = flow.dead()
        assert (letter.queue, letter.body, letter.correlation_id) == ("nowhere", "for nobody", "some-correlation")
        assert "unroutable" in letter.reason
        assert flow.take("ingest")[1] == b"for ingest"

    def test_message_that_the_broker_refuses_is_kept_and_sent_later(self, flow: RealFlow) -> None:
        with flow.channel() as channel:
            limits = {"x-max-length": 1, "x-overflow": "reject-publish"}
            channel.queue_declare("narrow", durable=True, arguments=limits)
        unit = Unit(SERVICE)
        for number in range(3):
            unit.send_raw("narrow", str(number), None, queue="narrow")
        unit.send_raw("ingest", "past the others", None)
        flow.commit(unit)
        with flow.runners():
            assert flow.take("ingest")[1] == b"past the others"
            taken = {flow.take("narrow")[1] for _ in range(3)}
            eventually(lambda: flow.owed() == 0)
        assert taken == {b"0", b"1", b"2"}
        assert not flow.dead()

    def test_what_kills_its_consumer_again_and_again_becomes_a_dead_letter(self, flow: RealFlow) -> None:
        flow.publish("ingest", b"killer", "some-correlation")
        with flow.channel() as channel:
            for _ in range(DELIVERY_LIMIT + 1):
                method = None
                while method is None:
                    method, _properties, _body = channel.basic_get("ingest")
                channel.basic_nack(method.delivery_tag, requeue=True)
        eventually(lambda: flow.backlog(DEAD_QUEUE) == 1)
        with flow.runners(Job(queue=DEAD_QUEUE, handler=bury)):
            eventually(lambda: len(flow.dead()) == 1)
        [letter] = flow.dead()
        assert (letter.queue, letter.body, letter.correlation_id) == ("ingest", "killer", "some-correlation")
        assert "delivery_limit" in letter.reason
        eventually(lambda: flow.backlog("ingest") == flow.backlog(DEAD_QUEUE) == 0)

    @pytest.mark.parametrize(
        "properties",
        [
            {"timestamp": 2**64 - 1},
            {"timestamp": 1_700_000_000_000},
            {"correlation_id": b"\xff\xfe"},
            {"correlation_id": "\x00"},
            {"message_id": b"\xff\xfe"},
            {"message_id": "\x00"},
            {"headers": {"strongroom-attempt": -3, "strongroom-first-seen": 2**62}},
            {"headers": {"strongroom-attempt": 2**40, "strongroom-first-seen": -(2**62)}},
            {"headers": {"strongroom-attempt": "x", "strongroom-first-seen": None, "x-first-death-queue": 7}},
        ],
        ids=str,
    )
    def test_no_property_blocks_the_queue(self, flow: RealFlow, properties: dict[str, object]) -> None:
        file = flow.register()
        once = iter([FileRefused("bad"), ZeroDivisionError()])

        def act(delivery: Delivery, unit: Unit) -> None:
            for error in once:
                raise error
            unit.event(file.id, delivery.text)

        with flow.runners(Job(handler=act, workers=1)) as [runner]:
            for body in (b"refused", b"buried", b"fine"):
                flow.publish_with("ingest", body, **properties)
            properties.pop("message_id", None)
            for body in (b"next", b"last"):
                flow.publish_with("ingest", body, **properties)
            eventually(lambda: "last" in flow.happened(file))
            assert runner.alive
        eventually(lambda: flow.backlog("ingest") == 0)

    def test_time_of_sending_is_never_in_the_future(self, flow: RealFlow) -> None:
        handler = Noting()
        with flow.runners(Job(handler=handler)):
            flow.publish_with("ingest", b"{}", timestamp=4_000_000_000)
            eventually(lambda: bool(handler.notes))
        [note] = handler.notes
        assert note.first_seen.year < 2096

    def test_queue_of_another_kind_is_told_to_the_operator(
        self, flow: RealFlow, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with flow.channel() as channel:
            channel.queue_delete("mappings")
            channel.queue_declare("mappings", durable=True)
        with flow.node() as node, running(node.parts[:1]):
            eventually(lambda: "topology_refused" in capsys.readouterr().out)
            assert not node.parts[0].connected  # type: ignore[attr-defined]
