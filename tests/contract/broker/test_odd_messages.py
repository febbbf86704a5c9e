"""Messages on RabbitMQ that no sane program sends: each is dealt with once, and those behind it are handled."""

import json
import struct
import uuid
from collections.abc import Iterator

import pika
import pytest

from services.intercept.route import bury
from shared.broker.delivery import Delivery
from shared.broker.topology import DEAD_QUEUE
from shared.broker.unit import Unit
from shared.database.engine import Database
from shared.database.statements import DATASET_REGISTER
from shared.errors import MessageRefused
from tests.contract.broker.kit import SERVICE, Job, Noting, acting_on, eventually
from tests.contract.broker.real import RealFlow
from tests.stack.process import Home
from tests.stack.rabbitmq import RabbitMQNode

MIB = 2**20


class RawHeaders(pika.BasicProperties):  # type: ignore[misc] # pika has no types
    """Properties with a table of headers that pika would not write."""

    def __init__(self, table: bytes, correlation_id: str) -> None:
        super().__init__(content_type="application/json", headers={}, correlation_id=correlation_id)
        self._table = struct.pack(">I", len(table)) + table

    def encode(self) -> list[bytes]:
        return [self._table if piece == bytes(4) else piece for piece in super().encode()]


def field(name: str, encoded: bytes) -> bytes:
    return bytes([len(name)]) + name.encode() + encoded


def nested(depth: int) -> bytes:
    table = b""
    for _ in range(depth):
        table = field("x", b"F" + struct.pack(">I", len(table)) + table)
    return table


def long_text(text: bytes) -> bytes:
    return b"S" + struct.pack(">I", len(text)) + text


HEADERS = {
    "a date beyond the year 9999": field("x", b"T" + struct.pack(">Q", 2**62)),
    "tables in tables": nested(5000),
    "a text that is not UTF-8": field("x", long_text(b"\xff\xfe")),
    "a name that is not UTF-8": field("x", b"V").replace(b"x", b"\xff"),
    "an attempt that is a text": field("strongroom-attempt", long_text(b"many")),
    "an attempt below zero": field("strongroom-attempt", b"l" + struct.pack(">q", -(2**63))),
    "an attempt without end": field("strongroom-attempt", b"l" + struct.pack(">q", 2**63 - 1)),
    "a first time in the far future": field("strongroom-first-seen", b"l" + struct.pack(">q", 2**63 - 1)),
    "a first time that is no time": field("strongroom-first-seen", b"F" + bytes(4)),
}


@pytest.fixture
def flow(vhost: str, migrated_database: str) -> Iterator[RealFlow]:
    database = Database(migrated_database)
    yield RealFlow(database, vhost)
    database.close()


def refuse(_delivery: Delivery, _unit: Unit) -> None:
    raise MessageRefused("not for us")


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_no_client_reads_do_no_harm(flow: RealFlow, name: str) -> None:
    handler, correlation_id = Noting(refuse), str(uuid.uuid4())
    with flow.runners(Job(handler=handler)) as [runner]:
        with flow.channel() as channel:
            channel.basic_publish("", "ingest", b"odd", RawHeaders(HEADERS[name], correlation_id))
        flow.publish("ingest", b"sane")
        eventually(lambda: len(handler.notes) == 2)
        assert runner.alive
        told = [flow.take("error") for _ in range(2)]
    assert [(note.body, note.delivery.redelivered) for note in handler.notes] == [("odd", False), ("sane", False)]
    assert told[0][0].correlation_id == handler.notes[0].delivery.correlation_id == correlation_id
    eventually(lambda: flow.backlog("ingest") == 0)


@pytest.mark.parametrize("correlation_id", [b"\xff" * 255, b"\x00" * 255, "\u20ac" * 85, b"\xff\x00" * 100])
def test_correlation_id_that_gets_longer_when_it_is_read_comes_back_in_the_error(
    flow: RealFlow, correlation_id: str | bytes
) -> None:
    handler = Noting(refuse)
    with flow.runners(Job(handler=handler)):
        flow.publish_with("ingest", b"odd", correlation_id=correlation_id, message_id=correlation_id)
        properties, body = flow.take("error")
    assert json.loads(body)["original-message"] == "odd"
    assert properties.correlation_id == handler.notes[0].delivery.correlation_id
    assert len(handler.notes) == 1


@pytest.mark.parametrize("origin", ["ingest", "x\x00y", "n" * 1000, 7, None, ["a"], {"a": 1}])
def test_message_in_the_queue_of_the_dead_is_kept_whatever_is_said_of_its_death(flow: RealFlow, origin: object) -> None:
    headers = {"x-first-death-queue": origin, "x-first-death-reason": "\x00"}
    with flow.runners(Job(queue=DEAD_QUEUE, handler=bury)):
        flow.publish_with(DEAD_QUEUE, b"odd", headers=headers)
        eventually(lambda: len(flow.dead()) == 1)
    [letter] = flow.dead()
    assert (letter.body, letter.trace) == ("odd", None)
    assert letter.reason.startswith("given up by the broker")
    eventually(lambda: flow.backlog(DEAD_QUEUE) == 0)


@pytest.mark.parametrize("byte", [b"\xff", b"\x00", b'"'])
def test_huge_message_is_told_of_in_part(flow: RealFlow, byte: bytes) -> None:
    with flow.runners(Job(handler=refuse)):
        flow.publish("ingest", byte * (12 * MIB))
        _, body = flow.take("error", 60)
    assert len(json.loads(body)["original-message"]) == 1_000_000
    assert len(body) < 8 * MIB


def test_value_that_no_index_takes_makes_a_dead_letter_and_the_queue_goes_on(flow: RealFlow) -> None:
    file = flow.register()
    endless = "".join(str(uuid.uuid4()) for _ in range(500))

    def act(delivery: Delivery, unit: Unit) -> None:
        unit.event(file.id, delivery.text)
        if delivery.text == "odd":
            unit.add(DATASET_REGISTER, dataset_id=endless, at=unit.at)

    with flow.runners(Job(handler=act, workers=1)) as [runner]:
        for body in (b"odd", b"sane"):
            flow.publish("ingest", body)
        eventually(lambda: flow.happened(file) == ["sane"] and len(flow.dead()) == 1)
        assert runner.connected
    assert flow.dead()[0].body == "odd"


class StrictRabbitMQ(RabbitMQNode):
    """Takes no message of more than a mebibyte."""

    def _configuration(self) -> str:
        return super()._configuration() + f"max_message_size = {MIB}\n"


@pytest.fixture
def strict_flow(home: Home, migrated_database: str) -> Iterator[RealFlow]:
    database = Database(migrated_database)
    with StrictRabbitMQ(home, plugins=()) as rabbitmq:
        yield RealFlow(database, rabbitmq.handle.url())
    database.close()


def test_message_that_the_broker_does_not_take_makes_a_dead_letter_and_holds_up_no_other(strict_flow: RealFlow) -> None:
    flow, file, unit = strict_flow, strict_flow.register(), Unit(SERVICE)
    bodies = [str(number) for number in range(50)]
    for number, body in enumerate(bodies):
        unit.send_raw("ingest", body, None)
        if number % 20 == 10:
            unit.send_raw("ingest", "x" * (MIB + number), None)
        if number % 20 == 11:
            unit.send_raw("ingest", body, "c" * 256)
    flow.commit(unit)
    with flow.runners(Job(handler=acting_on(file))):
        eventually(lambda: flow.owed() == 0, 30)
        eventually(lambda: len(flow.happened(file)) == 50)
    assert sorted(flow.happened(file), key=int) == bodies
    reasons = sorted(letter.reason.partition(":")[0] for letter in flow.dead())
    too_long, too_large = (
        "its correlation id or the name of its queue is longer than 255 bytes",
        "refused by the broker",
    )
    assert reasons == [too_long] * 2 + [too_large] * 2
