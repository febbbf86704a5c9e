"""docker/rabbitmq says the same as shared/broker, and each service's user may do what the service does."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.cli import registry
from shared.broker import topology
from shared.broker.delivery import Source
from shared.broker.local import local_node
from shared.broker.rabbit import declarations
from shared.database.engine import Database
from tests.stack.node.compose import ROOT
from tests.unit.docker.conftest import Loading

ALL_QUEUES = {queue.name for queue in topology.QUEUES} | {topology.DEAD_QUEUE}


class Recorder:
    """Notes what would be declared on a channel."""

    def __init__(self) -> None:
        self.exchanges: dict[str, tuple[str, bool, dict[str, Any]]] = {}
        self.queues: dict[str, tuple[bool, dict[str, Any]]] = {}
        self.bindings: set[tuple[str, str, str]] = set()

    def exchange_declare(self, name: str, kind: str, *, durable: bool, callback: Callable[[], None]) -> None:
        self.exchanges[name] = (kind, durable, {})

    def queue_declare(
        self, name: str, *, durable: bool, arguments: dict[str, Any], callback: Callable[[], None]
    ) -> None:
        self.queues[name] = (durable, arguments)

    def queue_bind(self, queue: str, exchange: str, key: str, *, callback: Callable[[], None]) -> None:
        self.bindings.add((exchange, queue, key))


@pytest.fixture
def declared() -> Recorder:
    recorder: Any = Recorder()
    for step in declarations():
        step(recorder, lambda _frame: None)
    assert isinstance(recorder, Recorder)
    return recorder


@pytest.fixture
def definitions() -> dict[str, Any]:
    return dict(json.loads((ROOT / "docker/rabbitmq/definitions.json").read_text(encoding="utf-8")))


def test_exchanges_are_those_that_services_declare(declared: Recorder, definitions: dict[str, Any]) -> None:
    found = {e["name"]: (e["type"], e["durable"], e["arguments"]) for e in definitions["exchanges"]}
    assert found == declared.exchanges


def test_queues_are_those_that_services_declare(declared: Recorder, definitions: dict[str, Any]) -> None:
    assert {q["name"]: (q["durable"], q["arguments"]) for q in definitions["queues"]} == declared.queues
    assert set(declared.queues) == ALL_QUEUES


def test_bindings_are_those_that_services_declare(declared: Recorder, definitions: dict[str, Any]) -> None:
    found = [(b["source"], b["destination"], b["routing_key"]) for b in definitions["bindings"]]
    assert set(found) == declared.bindings
    assert len(found) == len(declared.bindings)


def test_all_of_it_is_in_the_vhost_of_the_node(definitions: dict[str, Any]) -> None:
    assert definitions["vhosts"] == [{"name": "sda"}]
    kinds = ("policies", "exchanges", "queues", "bindings")
    assert {thing["vhost"] for kind in kinds for thing in definitions[kind]} == {"sda"}


@pytest.mark.parametrize("service", registry.SERVICES)
def test_a_user_may_take_from_the_queues_of_its_service_alone(
    service: str, loading: Loading, secrets: Path, tmp_path: Path
) -> None:
    permission = _permission(secrets, service)
    readable = {queue for queue in ALL_QUEUES if re.search(permission["read"], queue)}
    assert readable == _consumed(service, loading, tmp_path)


@pytest.mark.parametrize("service", registry.SERVICES)
def test_a_user_may_publish_and_declare_nothing(service: str, secrets: Path) -> None:
    permission = _permission(secrets, service)
    names = ALL_QUEUES | {topology.EXCHANGE, topology.DEAD_EXCHANGE, "amq.default", "amq.topic"}
    assert {name for name in names if re.search(permission["write"], name)} == {topology.EXCHANGE, "amq.default"}
    assert not {name for name in names if re.search(permission["configure"], name)}


def _permission(secrets: Path, service: str) -> dict[str, str]:
    users = json.loads((secrets / "rabbitmq_users.json").read_text(encoding="utf-8"))
    [found] = [entry for entry in users["permissions"] if entry["user"] == f"strongroom_{service}"]
    return dict(found)


def _consumed(service: str, loading: Loading, folder: Path) -> set[str]:
    """Put a service together and note which queues it wants deliveries from."""
    database = Database(f"sqlite:///{folder / 'test.db'}")
    node = local_node(database)
    consumed = set()

    def source(queue: str) -> Source:
        consumed.add(queue)
        return node.source(queue)

    registry.assemble(service, replace(node, source=source, has_broker=True), loading(service))
    database.close()
    return consumed
