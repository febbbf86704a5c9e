"""A node of the real stack on servers that may be harmed, with a proxy before its S3 server."""

import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pika

from services.cli.registry import SERVICES
from shared.broker import topology
from shared.broker.commit import to_exchange
from shared.crypto.keys import load_public_key
from shared.database.engine import Database
from shared.identifiers import FileId, new_message_id
from shared.storage.s3 import S3Store
from tests.faults.load.load import Load
from tests.faults.load.proxy import FaultProxy, proxy_to
from tests.stack.handles import PostgresServer, RabbitMQ, S3Server
from tests.stack.node.ground import Ground, Servers
from tests.stack.node.node import ComposeNode, shared_secrets
from tests.stack.process import Home

LEASE_SECONDS = 5
SETTINGS = {
    # delays shorter than in service, and so many that no outage of a test outlasts them
    "STRONGROOM_TRANSIENT_SECONDS": str([0.5, *[1] * 99]),
    "STRONGROOM_NOT_YET_SECONDS": "[0.3, 1]",
    "STRONGROOM_LEASE_SECONDS": str(LEASE_SECONDS),
}


@dataclass
class Site:
    """A node, its files, and the places where it can be hurt."""

    node: ComposeNode
    load: Load
    proxy: FaultProxy
    broker_url: str
    _completed: dict[FileId, set[str]] = field(default_factory=dict)

    def completions(self) -> Mapping[FileId, int]:
        """Count the messages in queue `completed` so far, by file; one that came twice has the same id and is one."""
        for message in self.taken(topology.COMPLETED.name):
            self._completed.setdefault(FileId(message.correlation_id), set()).add(message.message_id)
        return {file: len(messages) for file, messages in self._completed.items()}

    def publish(self, some: Collection[FileId]) -> None:
        """Tell of files that are registered, past the database: the broker has the messages, whatever is away."""
        with pika.BlockingConnection(pika.URLParameters(self.broker_url)) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            for file in some:
                message = self.load.message(file)
                properties = pika.BasicProperties(correlation_id=file, message_id=new_message_id(), delivery_mode=2)
                channel.basic_publish(topology.EXCHANGE, message.routing_key, message.body(), properties)

    def check_queues(self) -> None:
        """Every file was told to be complete by one message, and no queue holds anything else."""
        assert self.completions() == dict.fromkeys(self.load.sent, 1)
        assert not any(self.backlog().values()), self.backlog()

    def backlog(self) -> dict[str, int]:
        """Count the messages that wait in each queue."""
        with pika.BlockingConnection(pika.URLParameters(self.broker_url)) as connection:
            channel = connection.channel()
            names = {queue.name for queue in topology.QUEUES} | {topology.DEAD_QUEUE}
            return {name: channel.queue_declare(name, passive=True).method.message_count for name in names}

    def taken(self, queue: str) -> Iterator[pika.BasicProperties]:
        """Take all that stands in a queue."""
        with pika.BlockingConnection(pika.URLParameters(self.broker_url)) as connection:
            channel = connection.channel()
            while (got := channel.basic_get(queue, auto_ack=True))[0] is not None:
                yield got[1]


@contextmanager
def site_on(
    home: Home,
    rabbitmq: RabbitMQ,
    postgres: PostgresServer,
    minio: S3Server,
    *,
    replicas: int,
    services: Collection[str] = SERVICES,
) -> Iterator[Site]:
    """Run a node with orchestrate, so that what is uploaded gets ready by itself."""
    with proxy_to(minio.endpoint) as proxy:
        behind_proxy = replace(minio, endpoint=proxy.endpoint)
        secrets = shared_secrets(home)
        servers = Servers(rabbitmq=rabbitmq, postgres=postgres, minio=behind_proxy)
        ground = Ground(servers, secrets=secrets, name=f"load{uuid.uuid4().hex[:8]}")
        node = ComposeNode(home, ground, secrets=secrets, replicas=replicas, settings=SETTINGS)
        node.workers = [worker for worker in node.workers if worker.container.name in services]
        database = Database(postgres.url(ground.database))
        try:
            with node:
                yield Site(node, _load(node, ground, database, minio), proxy, rabbitmq.url(ground.vhost))
        finally:
            database.close()


def _load(node: ComposeNode, ground: Ground, database: Database, minio: S3Server) -> Load:
    stores = {name: _store(minio, bucket) for name, bucket in ground.buckets.items()}
    return Load(database, to_exchange, stores, load_public_key(node.archive_key))


def _store(minio: S3Server, bucket: str) -> S3Store:
    return S3Store(
        endpoint=minio.address,
        access_key=minio.access_key,
        secret_key=minio.secret_key,
        bucket=bucket,
        secure=False,
    )
