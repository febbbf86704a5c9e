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
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.synchronize import Event
from typing import Any
from urllib.parse import urlsplit

import pika
import psycopg
import urllib3
from minio import Minio

from tests.stack.handles import PostgresServer, S3Server

STEPS = ("ingest", "verify", "finalize")
PROCESSES = (3, 2, 3)
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
    """Lays the floor, and tells how many files pass it in a second."""

    def __init__(self, places: FloorPlaces, files: int) -> None:
        self._places = places
        self._ids = [str(uuid.uuid4()) for _ in range(files)]

    def prepare(self) -> None:
        """Make buckets, uploads, tables and queues."""
        client = self._places.client()
        for kind in ("inbox", "archive", "backup"):
            client.make_bucket(self._places.bucket(kind))
        store = _Store(self._places)
        for file in self._ids:
            store.put("inbox", file, BODY)
        with psycopg.connect(self._places.postgres.dsn(self._places.database)) as connection:
            connection.execute("CREATE TABLE files (id uuid PRIMARY KEY, state text NOT NULL)")
            connection.execute(
                "CREATE TABLE events (id bigserial PRIMARY KEY, file uuid NOT NULL, event text NOT NULL)"
            )
            rows = [(file,) for file in self._ids]
            connection.cursor().executemany("INSERT INTO files VALUES (%s, 'uploaded')", rows)
        with pika.BlockingConnection(pika.URLParameters(self._places.broker)) as connection:
            for queue in (*STEPS, "done"):
                connection.channel().queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})

    def run(self) -> float:
        """Send all files through, and return the seconds it took."""
        stop = multiprocessing.Event()
        workers = [
            multiprocessing.Process(target=_work, args=(self._places, step, stop), daemon=True)
            for step, count in zip(STEPS, PROCESSES, strict=True)
            for _ in range(count)
        ]
        for worker in workers:
            worker.start()
        time.sleep(2)  # connections; they are not what is measured
        started = time.perf_counter()
        self._drive(self._ids)
        seconds = time.perf_counter() - started
        stop.set()
        for worker in workers:
            worker.join(10)
        return seconds

    def _drive(self, files: Sequence[str]) -> None:
        with pika.BlockingConnection(pika.URLParameters(self._places.broker)) as connection:
            channel = connection.channel()
            for file in files:
                channel.basic_publish("", "ingest", file.encode(), pika.BasicProperties(delivery_mode=2))
            channel.basic_qos(prefetch_count=100)
            left = len(files)
            for method, _, _ in channel.consume("done", inactivity_timeout=120):
                assert method is not None, f"{left} files did not come through"
                channel.basic_ack(method.delivery_tag)
                left -= 1
                if not left:
                    return


def _work(places: FloorPlaces, step: str, stop: Event) -> None:
    store = _Store(places)
    following = {"ingest": "verify", "verify": "finalize", "finalize": "done"}[step]
    with (
        psycopg.connect(places.postgres.dsn(places.database)) as database,
        pika.BlockingConnection(pika.URLParameters(places.broker)) as broker,
    ):
        channel = broker.channel()
        channel.confirm_delivery()
        channel.basic_qos(prefetch_count=10)
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
