"""Poison ends as an error message or a dead letter with a reason, the queue goes on, and no memory is lost to it."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pika
import pytest
from sqlalchemy import func, select

from shared.broker.commit import UnitWriter, to_local_queue
from shared.broker.topology import COMPLETED, DEAD_QUEUE, EMBEDDED_QUEUES, ERROR, QUEUES
from shared.broker.unit import Unit
from shared.crypto.keys import load_public_key
from shared.database.engine import Database
from shared.database.queue_tables import dead_letters, leases, outgoing
from shared.database.tables import events, files
from shared.identifiers import FileId, new_file_id
from shared.storage.settings import open_store
from tests.e2e.nodes import EmbeddedNode, embedded_node
from tests.faults.load.load import Load, until
from tests.faults.load.scale import Scale, chosen_scale
from tests.faults.load.site import Site, site_on
from tests.faults.poison.poison import EXAMPLES, SEED, as_told, refused
from tests.stack.handles import PostgresServer, RabbitMQ, S3Server
from tests.stack.management import Management
from tests.stack.process import Home

KIB = 1024
GROWTH = 160 * KIB
"""KiB by which a process may grow after its first round of poison: buffers of connections keep the size of the largest
message, and the allocator some of what it was given. It levels off; what kept each message would pass it in 40 rounds.
"""
CORRELATION_IDS = (None, "x", "x" * 255, "\u20ac" * 85, b"\xff" * 255, b"\x00", str(new_file_id()))
PROPERTIES: tuple[dict[str, Any], ...] = (
    {"content_type": "application/json", "delivery_mode": 2},
    {"content_type": "image/png", "content_encoding": "gzip", "priority": 255, "type": "x", "timestamp": 2**63},
    {"headers": {"strongroom-attempt": "x", "strongroom-first-seen": "x"}},
    {"message_id": "x" * 255, "reply_to": "x", "app_id": b"\xff"},
)


@pytest.fixture
def scale() -> Scale:
    return chosen_scale()


@pytest.fixture
def site(home: Home, rabbitmq: RabbitMQ, postgres: PostgresServer, minio: S3Server) -> Iterator[Site]:
    with site_on(home, rabbitmq, postgres, minio, replicas=1) as site:
        yield site


def test_real_stack_tells_of_all_poison_and_goes_on(site: Site, rabbitmq: RabbitMQ, scale: Scale) -> None:
    chance = random.Random(SEED)
    assert _consumed(site) == set(EXAMPLES)
    memory: dict[str, int] = {}
    sent: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for _ in range(scale.rounds):
        sent += _poison(site, chance)
        until("all poison to be told of", partial(_all_told, site, sent, told), scale.patience)
        memory = memory or _memory(site)
    assert told + _letters(site.load.database) == sent
    _check_good_one(site.load, lambda body: _publish(site, "from_cega", body))
    until("all to be settled", lambda: _nothing_waits(site, Management(rabbitmq)), scale.patience)
    grown = {name: now - memory[name] for name, now in _memory(site).items()}
    assert max(grown.values()) < GROWTH, grown


@pytest.fixture
def node(tmp_path: Path) -> Iterator[EmbeddedNode]:
    with embedded_node(tmp_path, "--automatic") as node:
        yield node


def test_embedded_node_tells_of_all_poison_and_goes_on(node: EmbeddedNode, scale: Scale) -> None:
    chance, sent, memory = random.Random(SEED), 0, 0
    database = Database(f"sqlite:///{node.data / 'strongroom.db'}")
    assert {queue.name for queue in EMBEDDED_QUEUES} == EXAMPLES.keys() - {DEAD_QUEUE}
    for _ in range(scale.rounds):
        for queue in EXAMPLES.keys() - {DEAD_QUEUE}:
            for body in refused(queue, chance):
                _put(database, queue, as_told(body))
                sent += 1
        until("all poison to be told of", partial(_has_refused, node, sent), scale.patience)
        assert node.process is not None
        memory = memory or _rss(node.process.pid)
    stores = {name: open_store(f"dir:{node.data / 'store' / name}", None) for name in ("inbox", "archive", "backup")}
    load = Load(database, to_local_queue, stores, load_public_key(node.public_key))
    _check_good_one(load, lambda body: _put(database, "from_cega", body))
    until("all to be settled", lambda: _nothing_owed(database), scale.patience)
    assert node.process is not None
    assert _rss(node.process.pid) - memory < GROWTH
    database.close()


def _poison(site: Site, chance: random.Random) -> Counter[str]:
    """Send poison to every queue, in all wrappings, and return it as it should be told of."""
    sent: Counter[str] = Counter()
    with pika.BlockingConnection(pika.URLParameters(site.broker_url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for queue in EXAMPLES:
            for body in refused(queue, chance):
                properties = dict(chance.choice(PROPERTIES)) | {"correlation_id": chance.choice(CORRELATION_IDS)}
                if "message_id" in properties:
                    properties["message_id"] = f"{chance.random()}{'x' * 200}"
                channel.basic_publish("", queue, body, pika.BasicProperties(**properties), mandatory=True)
                sent[as_told(body)] += 1
    return sent


def _all_told(site: Site, sent: Counter[str], told: Counter[str]) -> bool:
    """Take what has come to the queue `error` and add it to `told`; whether all is there, or a dead letter."""
    with pika.BlockingConnection(pika.URLParameters(site.broker_url)) as connection:
        channel = connection.channel()
        while (got := channel.basic_get(ERROR.name, auto_ack=True))[0] is not None:
            message = json.loads(got[2])
            assert message["reason"]
            told[message["original-message"]] += 1
    return not sent - told - _letters(site.load.database)


def _letters(database: Database) -> Counter[str]:
    with database.read() as connection:
        rows = connection.execute(select(dead_letters.c.body, dead_letters.c.reason)).all()
    assert all(row.reason for row in rows)
    return Counter(as_told(row.body.encode()) for row in rows)


def _check_good_one(load: Load, publish: Callable[[str], None]) -> None:
    """Lead a file through all queues: from its upload to its place in a dataset and out of the inbox."""
    [file] = load.put(1)
    load.tell([file])
    until("the good file to be ready", lambda: load.ready([file]))
    with load.database.read() as connection:
        accession = connection.scalar(select(files.c.accession).where(files.c.id == file))
    publish(json.dumps({"type": "mapping", "dataset_id": "DS-good", "accession_ids": [accession]}))
    until("the good file to leave the inbox", lambda: _happened(load.database, file, "left inbox"))


def _happened(database: Database, file: FileId, event: str) -> int:
    query = select(func.count()).where(events.c.file_id == file, events.c.event == event)
    with database.read() as connection:
        return connection.scalar(query) or 0


def _consumed(site: Site) -> set[str]:
    names = [queue.name for queue in QUEUES] + [DEAD_QUEUE]
    with pika.BlockingConnection(pika.URLParameters(site.broker_url)) as connection:
        channel = connection.channel()
        return {name for name in names if channel.queue_declare(name, passive=True).method.consumer_count}


def _nothing_waits(site: Site, management: Management) -> bool:
    """Whether no queue holds a message, delivered or not, but the one that tells of the good file."""
    queues = management.queues(unquote(urlsplit(site.broker_url).path[1:]))
    left = {name for name, queue in queues.items() if queue.get("messages")}
    return left <= {COMPLETED.name} and _nothing_owed(site.load.database)


def _nothing_owed(database: Database) -> bool:
    with database.read() as connection:
        return not any(connection.scalar(select(func.count()).select_from(table)) for table in (outgoing, leases))


def _publish(site: Site, queue: str, body: str) -> None:
    with pika.BlockingConnection(pika.URLParameters(site.broker_url)) as connection:
        connection.channel().basic_publish("", queue, body.encode())


def _put(database: Database, queue: str, body: str) -> None:
    unit = Unit("test")
    unit.send_raw(queue, body, None, queue=queue)
    UnitWriter(database, to_local_queue).write([unit])


def _has_refused(node: EmbeddedNode, count: int) -> bool:
    """Whether the log, which is all that an embedded node has for a message about no file, tells of so many."""
    lines = [json.loads(line) for line in node.logs().splitlines() if '"delivery_not_done"' in line]
    final = [line for line in lines if line["outcome"] in {"refused", "dead"}]
    assert all(line["reason"] for line in final)
    return len(final) == count


def _memory(site: Site) -> dict[str, int]:
    pids = {worker.name: worker.process.log.with_suffix(".pid") for worker in site.node.workers}
    return {name: _rss(int(file.read_text(encoding="ascii"))) for name, file in pids.items()}


def _rss(pid: int) -> int:
    """Return the resident memory of a process in KiB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
