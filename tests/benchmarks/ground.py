"""A node on servers of its own, for one benchmark run."""

import os
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from shared.crypto.keys import PublicKey, load_public_key
from shared.database.engine import Database
from shared.storage.s3 import S3Store
from tests.stack.minio import MinioServer
from tests.stack.node.ground import Ground, Servers
from tests.stack.node.node import ComposeNode, shared_secrets
from tests.stack.postgres import PostgresProcess
from tests.stack.process import Home
from tests.stack.rabbitmq import RabbitMQNode


@dataclass(frozen=True)
class BenchNode:
    """A node, and what a benchmark reads and writes beside it."""

    compose: ComposeNode
    ground: Ground
    database: Database
    folder: Path

    @property
    def archive_key(self) -> PublicKey:
        return load_public_key(self.compose.archive_key)

    def store(self, name: str) -> S3Store:
        """Open one of the node's buckets."""
        server = self.ground.servers.minio
        return S3Store(
            endpoint=server.address,
            access_key=server.access_key,
            secret_key=server.secret_key,
            bucket=self.ground.buckets[name],
            secure=False,
        )

    def sample(self, service: str, metric: str, **labels: str) -> float:
        """Return the sum of a metric's samples that carry these labels."""
        with urllib.request.urlopen(f"{self.compose.metrics(service)}/metrics", timeout=10) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            samples = (sample for family in families for sample in family.samples if sample.name == metric)
            return sum(s.value for s in samples if labels.items() <= s.labels.items())

    def peak_memory(self, service: str) -> int:
        """Return the largest resident set of a service so far, bytes."""
        pid = next(worker.process.pid for worker in self.compose.workers if worker.container.name == service)
        status = Path(f"/proc/{pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024

    def cpu_seconds(self, service: str) -> float:
        """Return the CPU time of a service so far."""
        return self.sample(service, "process_cpu_seconds_total")


@contextmanager
def bench_node(profiles: tuple[str, ...] = ()) -> Iterator[BenchNode]:
    """Start servers and a node, and take all of it away afterwards."""
    home = Home.create()
    try:
        with ExitStack() as stack:
            rabbitmq = stack.enter_context(RabbitMQNode(home)).handle
            postgres = stack.enter_context(PostgresProcess(home)).handle
            minio = stack.enter_context(MinioServer(home)).handle
            secrets = shared_secrets(home)
            servers = Servers(rabbitmq=rabbitmq, postgres=postgres, minio=minio)
            ground = Ground(servers, secrets=secrets, name=f"bench{uuid.uuid4().hex[:8]}")
            compose = stack.enter_context(ComposeNode(home, ground, secrets=secrets, profiles=profiles))
            database = Database(postgres.url(ground.database))
            stack.callback(database.close)
            yield BenchNode(compose, ground, database, home.folder)
    finally:
        home.end()


def size_of_run() -> int:
    """Return the size of the large file, bytes; `BENCH_BYTES` makes it another than 5 GB."""
    return int(os.environ.get("BENCH_BYTES", "5000000000"))
