"""The topology in code and the one that RabbitMQ is given are the same."""

import json
from pathlib import Path
from typing import Any

from shared.broker import topology

DEFINITIONS: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "docker" / "rabbitmq" / "definitions.json").read_text(encoding="utf-8")
)


def test_queues_are_those_of_the_definitions() -> None:
    told = {queue["name"]: queue["arguments"] for queue in DEFINITIONS["queues"]}
    assert told == {q.name: q.arguments for q in topology.QUEUES} | {topology.DEAD_QUEUE: {"x-queue-type": "quorum"}}


def test_exchanges_and_bindings_are_those_of_the_definitions() -> None:
    exchanges = {(exchange["name"], exchange["type"]) for exchange in DEFINITIONS["exchanges"]}
    assert exchanges == {(topology.EXCHANGE, "topic"), (topology.DEAD_EXCHANGE, "topic")}
    bindings = {(b["source"], b["destination"], b["routing_key"]) for b in DEFINITIONS["bindings"]}
    expected = {(topology.EXCHANGE, queue.name, queue.name) for queue in topology.QUEUES}
    assert bindings == expected | {(topology.DEAD_EXCHANGE, topology.DEAD_QUEUE, "#")}


def test_embedded_queues_are_queues() -> None:
    assert set(topology.QUEUES) >= topology.EMBEDDED_QUEUES
