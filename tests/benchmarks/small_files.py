"""Small files through the whole pipeline, against the floor of the same run; and embedded."""

import json
import os
import threading
import time
import uuid
from typing import Any

import pika

from shared.broker.commit import UnitWriter, to_exchange
from shared.broker.unit import Unit
from shared.crypto.header import seal_header
from shared.crypto.segments import CIPHER_SEGMENT, SEGMENT, Encryptor
from shared.database.statements import FILE_REGISTER
from shared.identifiers import FileId, new_file_id
from shared.messages.ingestion import IngestTrigger
from tests.benchmarks.floor import Floor, FloorPlaces
from tests.benchmarks.ground import BenchNode, bench_node
from tests.stack.management import Management
from tests.stack.postgres import create_database

FILES = int(os.environ.get("BENCH_FILES", "500"))
SERVICES = ("ingest", "verify", "finalize")
PATIENCE = 120.0


def run() -> dict[str, Any]:
    """Measure, print a table, and return the figures."""
    with bench_node() as node:
        floor = _floor(node)
        figures = _pipeline(node)
    figures |= {"floor_files_per_second": floor, "of_floor": figures["files_per_second"] / floor}
    print(f"\n{FILES} files of 64 KiB, trigger to ready, all servers and services on this machine")
    for name, value in figures.items():
        print(f"  {name:38} {value:8.2f}")
    return figures


def _floor(node: BenchNode) -> float:
    servers, name = node.ground.servers, f"floor{uuid.uuid4().hex[:8]}"
    Management(servers.rabbitmq).create_vhost(name)
    create_database(servers.postgres, name)
    places = FloorPlaces(servers.rabbitmq.url(name), servers.postgres, servers.minio, name, name)
    floor = Floor(places, FILES)
    floor.prepare()
    return FILES / floor.run()


def _pipeline(node: BenchNode) -> dict[str, float]:
    files = [_upload(node, number) for number in range(FILES)]
    before = _counters(node)
    central = _CentralEga(node.ground.servers.rabbitmq.url(node.ground.vhost), files)
    started = time.perf_counter()
    central.start()
    central.over.wait(PATIENCE)
    seconds = time.perf_counter() - started
    assert central.over.is_set(), f"{central.completed} of {FILES} files came through"
    after = _counters(node)
    return {"files_per_second": FILES / seconds} | {name: (after[name] - before[name]) / FILES for name in before}


def _upload(node: BenchNode, number: int) -> FileId:
    key, file = os.urandom(32), new_file_id()
    segment = memoryview(bytearray(CIPHER_SEGMENT))
    Encryptor(key).encrypt(memoryview(os.urandom(SEGMENT)), segment)
    content = seal_header([key], [node.archive_key]) + segment
    inbox = node.store("inbox")
    inbox.put(file, _Bytes(content), len(content))
    unit = Unit("bench")
    row = {"user": "bench", "path": f"{number}.c4gh", "state": "uploaded", "size": len(content)}
    unit.add(FILE_REGISTER, id=file, registered_at=unit.at, changed_at=unit.at, inbox_location=inbox.name, **row)
    UnitWriter(node.database, to_exchange).write([unit])
    return file


def _counters(node: BenchNode) -> dict[str, float]:
    found = {f"cpu_ms_per_file_{service}": node.cpu_seconds(service) * 1000 for service in SERVICES}
    for name, metric in (
        ("transactions", "strongroom_commits_total"),
        ("store_requests", "strongroom_store_requests_total"),
    ):
        found[f"{name}_per_file"] = sum(node.sample(service, metric) for service in SERVICES)
    return found


class _CentralEga(threading.Thread):
    """Triggers all files at once, gives accession ids, and counts what is completed."""

    def __init__(self, broker: str, files: list[FileId]) -> None:
        super().__init__(daemon=True)
        self._broker = pika.URLParameters(broker)
        self._files = files
        self.completed = 0
        self.over = threading.Event()

    def run(self) -> None:
        with pika.BlockingConnection(self._broker) as connection:
            channel = connection.channel()
            for number, file in enumerate(self._files):
                trigger = IngestTrigger(type="ingest", user="bench", filepath=f"bench/{number}.c4gh")
                self._publish(channel, "ingest", trigger.body(), file)
            channel.basic_qos(prefetch_count=200)
            channel.basic_consume("verified", self._verified)
            channel.basic_consume("completed", self._completed)
            while not self.over.is_set():
                connection.process_data_events(0.1)

    def _publish(self, channel: Any, key: str, body: str, file: str) -> None:
        properties = pika.BasicProperties(delivery_mode=2, correlation_id=file, message_id=str(uuid.uuid4()))
        channel.basic_publish("sda", key, body.encode(), properties)

    def _verified(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        answer = {**json.loads(body), "type": "accession", "accession_id": f"acc-{properties.correlation_id}"}
        self._publish(channel, "accession", json.dumps(answer), properties.correlation_id)
        channel.basic_ack(method.delivery_tag)

    def _completed(self, channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
        channel.basic_ack(method.delivery_tag)
        self.completed += 1
        if self.completed == len(self._files):
            self.over.set()


class _Bytes:
    def __init__(self, content: bytes) -> None:
        self._left = memoryview(content)

    def readinto(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count
