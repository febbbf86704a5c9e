"""A node on servers of its own, for one benchmark run."""

import urllib.request
import uuid
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from shared.broker.commit import to_exchange
from shared.crypto.keys import PublicKey, load_public_key
from shared.database.engine import Database
from shared.storage.s3 import S3Store
from tests.benchmarks import processes
from tests.benchmarks.uploads import Inbox
from tests.stack.minio import MinioServer
from tests.stack.node.ground import Ground, Servers
from tests.stack.node.node import ComposeNode, shared_secrets
from tests.stack.postgres import PostgresProcess
from tests.stack.process import Home, Process
from tests.stack.rabbitmq import RabbitMQNode

# a commit reaches the disk, as in earnest, and statements are counted
POSTGRES = {"fsync": "on", "full_page_writes": "on", "shared_preload_libraries": "pg_stat_statements"}


@dataclass(frozen=True)
class BenchServers:
    """RabbitMQ, PostgreSQL and MinIO of one benchmark, and their processes by name."""

    home: Home
    handles: Servers
    processes: dict[str, Process]


@dataclass(frozen=True)
class BenchNode:
    """A node, and what a benchmark reads and writes beside it."""

    compose: ComposeNode
    ground: Ground
    database: Database
    folder: Path
    #: of the servers, by name
    processes: dict[str, Process]

    @property
    def archive_key(self) -> PublicKey:
        return load_public_key(self.compose.archive_key)

    @property
    def broker(self) -> str:
        """AMQP URL of the node's vhost, for its administrator."""
        return self.ground.servers.rabbitmq.url(self.ground.vhost)

    @property
    def inbox(self) -> Inbox:
        """Where files are uploaded to."""
        return Inbox(self.database, self.store("inbox"), to_exchange, self.archive_key)

    def store(self, name: str, **settings: Any) -> S3Store:
        """Open one of the node's buckets."""
        server = self.ground.servers.minio
        return S3Store(
            endpoint=server.address,
            access_key=server.access_key,
            secret_key=server.secret_key,
            bucket=self.ground.buckets[name],
            secure=False,
            **settings,
        )

    def sample(self, service: str, metric: str, **labels: str) -> float:
        """Return the sum of a metric's samples that carry these labels."""
        with urllib.request.urlopen(f"{self.compose.metrics(service)}/metrics", timeout=10) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            samples = (sample for family in families for sample in family.samples if sample.name == metric)
            return sum(s.value for s in samples if labels.items() <= s.labels.items())

    def process(self, service: str) -> Process:
        """Return the process of a service."""
        return next(worker.process for worker in self.compose.workers if worker.container.name == service)

    def peak_memory(self, service: str) -> int:
        """Return the largest resident set of a service so far, bytes."""
        return processes.peak_memory(self.process(service))

    def cpu_seconds(self, name: str) -> float:
        """Return the CPU time of a service or server so far."""
        return processes.cpu_seconds(self.processes.get(name) or self.process(name))


@contextmanager
def bench_servers() -> Iterator[BenchServers]:
    """Start servers side by side, and take them away afterwards."""
    home = Home.create()
    try:
        rabbitmq, postgres, minio = RabbitMQNode(home), PostgresProcess(home, settings=POSTGRES), MinioServer(home)
        with ExitStack() as stack, ThreadPoolExecutor() as threads:
            list(threads.map(stack.enter_context, (rabbitmq, postgres, minio)))
            handles = Servers(rabbitmq=rabbitmq.handle, postgres=postgres.handle, minio=minio.handle)
            yield BenchServers(home, handles, {server.name: server.process for server in (rabbitmq, postgres, minio)})
    finally:
        home.end()


@contextmanager
def bench_node(profiles: Collection[str] = (), settings: Mapping[str, str] | None = None) -> Iterator[BenchNode]:
    """Start servers and a node, with these `STRONGROOM_*` for all its services; take all of it away afterwards."""
    with bench_servers() as servers, ExitStack() as stack:
        secrets = shared_secrets(servers.home)
        ground = Ground(servers.handles, secrets=secrets, name=f"bench{uuid.uuid4().hex[:8]}")
        compose = stack.enter_context(
            ComposeNode(servers.home, ground, secrets=secrets, profiles=profiles, settings=settings)
        )
        database = Database(servers.handles.postgres.url(ground.database))
        stack.callback(database.close)
        yield BenchNode(compose, ground, database, servers.home.folder, servers.processes)
