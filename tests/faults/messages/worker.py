"""A process that runs two queues, one behind the other, until it is killed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shared import logs
from shared.broker.delivery import Delivery
from shared.broker.local import local_node
from shared.broker.node import Node
from shared.broker.real import RealSettings, real_node
from shared.broker.runner import Handler
from shared.broker.settings import FlowSettings
from shared.broker.unit import Unit
from shared.database.engine import Database
from shared.database.records import File
from shared.errors import MessageRefused, NotYet, TransientError
from shared.lifecycle import Signals, running, wait
from tests.faults.crash.nursery import die_with_parent

FLOW: dict[str, Any] = {"workers": 4, "prefetch": 32, "not_yet_seconds": (0.2,), "transient_seconds": (0.2,) * 100}
EARLY, HINDERED, REFUSED = 3, 5, 7
"""Last digits of messages that are put off once, by either queue, or refused by the second."""


def work(database_url: str, broker_url: str | None, file: File) -> None:
    """Run a node on which both queues are consumed."""
    die_with_parent()
    logs.configure("messages", level="ERROR")
    with Signals() as signals, _node(database_url, broker_url) as node:
        first, second = node.runner("first", "ingest", _first(file)), node.runner("second", "archived", _second(file))
        parts = [*node.parts, first, second]
        with running(parts):
            wait(parts, signals)


@contextmanager
def _node(database_url: str, broker_url: str | None) -> Iterator[Node]:
    if broker_url is None:
        yield local_node(Database(database_url), FlowSettings(**FLOW))
        return
    settings = RealSettings(database_url=database_url, broker_url=broker_url, broker_declare=False, **FLOW)
    with real_node(settings) as node:
        yield node


def _first(file: File) -> Handler:
    def act(delivery: Delivery, unit: Unit) -> None:
        if delivery.attempt == 0 and _last_digit(delivery) == EARLY:
            raise NotYet("come again")
        unit.event(file.id, f"first {delivery.text}")
        unit.send_raw("archived", delivery.text, file.id)

    return act


def _second(file: File) -> Handler:
    def act(delivery: Delivery, unit: Unit) -> None:
        if delivery.attempt == 0 and _last_digit(delivery) == HINDERED:
            raise TransientError("come again")
        if _last_digit(delivery) == REFUSED:
            unit.file = file
            raise MessageRefused(delivery.text)
        unit.event(file.id, f"second {delivery.text}")

    return act


def _last_digit(delivery: Delivery) -> int:
    return int(delivery.text) % 10
