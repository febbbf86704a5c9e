"""The floor for small files: what the servers alone allow, without any of our code.

For each file and step only the unavoidable, one by one: ingest GETs from the inbox and PUTs to the archive; verify GETs
from the archive; finalize PUTs to the backup and GETs the copy back. Each step takes one delivery, commits one
transaction (an UPDATE and an INSERT), publishes one message with confirm, and acknowledges. Several processes a step.
"""

import http.client
import multiprocessing
import os
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier, Event
from typing import Any, Self
from urllib.parse import urlsplit

import pika
import psycopg
import urllib3
from minio import Minio

from tests.benchmarks.processes import cpu_seconds_of
from tests.stack import s3
from tests.stack.handles import PostgresServer, S3Server
from tests.stack.management import Management
from tests.stack.node.ground import Servers
from tests.stack.postgres import create_database, drop_database

STEPS = ("ingest", "verify", "finalize")
PROCESSES = (3, 2, 3)
DONE = "done"
BUCKETS = ("inbox", "archive", "backup")
PATIENCE = 120.0
BODY = os.urandom(65_688)


@dataclass(frozen=True)
class FloorPlaces:
    """Where the floor is laid: a vhost, a database and three buckets of its own."""

    broker: str
    postgres: PostgresServer
    minio: S3Server
    database: str
    name: str

    def bucket(self, kind: str) -> str:
        return f"{self.name}-{kind}"

    def client(self) -> Minio:
        pool = urllib3.PoolManager(maxsize=4)
        server = self.minio
        return Minio(
            server.address, server.access_key, server.secret_key, secure=False, region="us-east-1", http_client=pool
        )


class Floor:
    """Workers on their places, ready for files; `files` wait in the inbox. Made by `laid`."""

    def __init__(self, places: FloorPlaces, files: Sequence[str], workers: Sequence[BaseProcess]) -> None:
        self.files = files
        self._broker = pika.URLParameters(places.broker)
        self._workers = workers

    def __enter__(self) -> Self:
        self._connection = pika.BlockingConnection(self._broker)
        self._channel = self._connection.channel()
        self._channel.basic_qos(prefetch_count=200)
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def send_through(self, files: Collection[str]) -> float:
        """Trigger all files at once; return the seconds until the last one is through."""
        started, left = time.perf_counter(), len(files)
        for file in files:
            self._channel.basic_publish("", STEPS[0], file.encode(), pika.BasicProperties(delivery_mode=2))
        for method, _, _ in self._channel.consume(DONE, inactivity_timeout=PATIENCE):
            assert method is not None, f"{left} files did not come through"
            self._channel.basic_ack(method.delivery_tag)
            left -= 1
            if not left:
                break
        return time.perf_counter() - started

    @property
    def cpu_seconds(self) -> float:
        """CPU time of the workers so far."""
        return cpu_seconds_of(worker.pid for worker in self._workers if worker.pid)


@contextmanager
def laid(servers: Servers, files: int) -> Iterator[Floor]:
    """Make places for a number of files, start the workers, and take all of it away afterwards."""
    name = f"floor{uuid.uuid4().hex[:8]}"
    management = Management(servers.rabbitmq)
    management.create_vhost(name)
    create_database(servers.postgres, name)
    places = FloorPlaces(servers.rabbitmq.url(name), servers.postgres, servers.minio, name, name)
    ids = [str(uuid.uuid4()) for _ in range(files)]
    try:
        _prepare(places, ids)
        with _working(places) as workers, Floor(places, ids, workers) as floor:
            yield floor
    finally:
        management.delete_vhost(name)
        drop_database(servers.postgres, name)
        for kind in BUCKETS:
            s3.delete_bucket(servers.minio, places.bucket(kind))


def _prepare(places: FloorPlaces, files: Sequence[str]) -> None:
    client = places.client()
    for kind in BUCKETS:
        client.make_bucket(places.bucket(kind))
    store = _Store(places)
    for file in files:
        store.put("inbox", file, BODY)
    with psycopg.connect(places.postgres.dsn(places.database)) as connection:
        connection.execute("CREATE TABLE files (id uuid PRIMARY KEY, state text NOT NULL)")
        connection.execute("CREATE TABLE events (id bigserial PRIMARY KEY, file uuid NOT NULL, event text NOT NULL)")
        rows = [(file,) for file in files]
        connection.cursor().executemany("INSERT INTO files VALUES (%s, 'uploaded')", rows)
    with pika.BlockingConnection(pika.URLParameters(places.broker)) as broker:
        for queue in (*STEPS, DONE):
            broker.channel().queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})


@contextmanager
def _working(places: FloorPlaces) -> Iterator[list[BaseProcess]]:
    stop, ready = multiprocessing.Event(), multiprocessing.Barrier(sum(PROCESSES) + 1)
    workers: list[BaseProcess] = [
        multiprocessing.Process(target=_work, args=(places, step, ready, stop), daemon=True)
        for step, count in zip(STEPS, PROCESSES, strict=True)
        for _ in range(count)
    ]
    for worker in workers:
        worker.start()
    ready.wait(PATIENCE)
    yield workers
    stop.set()
    for worker in workers:
        worker.join(10)


def _work(places: FloorPlaces, step: str, ready: Barrier, stop: Event) -> None:
    store = _Store(places)
    following = {"ingest": "verify", "verify": "finalize", "finalize": DONE}[step]
    with (
        psycopg.connect(places.postgres.dsn(places.database)) as database,
        pika.BlockingConnection(pika.URLParameters(places.broker)) as broker,
    ):
        channel = broker.channel()
        channel.confirm_delivery()
        channel.basic_qos(prefetch_count=10)
        ready.wait(PATIENCE)
        for method, _, body in channel.consume(step, inactivity_timeout=0.5):
            if method is None:
                if stop.is_set():
                    return
                continue
            file = body.decode()
            _move(store, step, file)
            database.execute("UPDATE files SET state = %s WHERE id = %s", (step, file))
            database.execute("INSERT INTO events (file, event) VALUES (%s, %s)", (file, step))
            database.commit()
            channel.basic_publish("", following, body, pika.BasicProperties(delivery_mode=2), mandatory=True)
            channel.basic_ack(method.delivery_tag)


def _move(store: "_Store", step: str, file: str) -> None:
    if step == "ingest":
        store.put("archive", file, store.get("inbox", file))
    elif step == "verify":
        store.get("archive", file)
    else:
        store.put("backup", file, BODY)
        store.get("backup", file)


class _Store:
    """Presigned URLs on one kept connection."""

    def __init__(self, places: FloorPlaces) -> None:
        self._places = places
        self._client = places.client()
        self._connection = http.client.HTTPConnection(places.minio.address)

    def get(self, kind: str, key: str) -> bytes:
        return self._ask("GET", kind, key)

    def put(self, kind: str, key: str, body: bytes) -> None:
        self._ask("PUT", kind, key, body)

    def _ask(self, method: str, kind: str, key: str, body: Any = None) -> bytes:
        url = urlsplit(self._client.get_presigned_url(method, self._places.bucket(kind), key, timedelta(minutes=10)))
        self._connection.request(method, f"{url.path}?{url.query}", body)
        with self._connection.getresponse() as answer:
            content = answer.read()
            assert answer.status == 200, content[:200]
            return content
