"""RabbitMQ, PostgreSQL and MinIO: a vhost and buckets that are emptied for each run, and a copy of a database."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import pika
from pika.adapters.blocking_connection import BlockingChannel
from sqlalchemy import text

from shared.broker.commit import to_exchange
from shared.broker.rabbit import Link
from shared.broker.topology import DEAD_QUEUE, QUEUES
from shared.database.engine import Database
from shared.lifecycle import running
from shared.storage.s3 import S3Store
from tests.e2e.nodes import until
from tests.faults.crash.picture import sent_ids
from tests.faults.crash.stories import Story
from tests.faults.crash.world import STORES, World
from tests.stack import s3
from tests.stack.management import Management
from tests.stack.node.ground import Servers
from tests.stack.postgres import create_database, drop_database

_OWED = text(
    "SELECT (SELECT count(*) FROM outgoing) + (SELECT count(*) FROM sent_log WHERE destination = ANY(:consumed) AND "
    "NOT EXISTS (SELECT FROM handled h WHERE h.queue = destination AND h.message_id::text = sent_log.message_id))"
)
_ALL = (*(queue.name for queue in QUEUES), DEAD_QUEUE)


class RealWorld(World):
    """What a real node has of its servers; a context manager."""

    routing = staticmethod(to_exchange)

    def __init__(self, folder: Path, story: Story, servers: Servers, migrated: str) -> None:
        super().__init__(folder, story)
        self._servers = servers
        self._migrated = migrated
        self._name = f"crash-{uuid4().hex[:12]}"
        self._template = f"{self._name}-template"
        self.broker_url = servers.rabbitmq.url(self._name)
        self.stores = self._buckets = {name: self._bucket(name) for name in STORES}
        self.database = Database(servers.postgres.url(self._name))

    def __enter__(self) -> Self:
        for bucket in self._buckets.values():
            bucket.ensure_bucket()
        Management(self._servers.rabbitmq).create_vhost(self._name)
        link = Link(self._servers.rabbitmq.url(self._name))
        with running([link]):
            until("the queues to be there", lambda: link.connected)
        create_database(self._servers.postgres, self._template, template=self._migrated)
        template = Database(self._servers.postgres.url(self._template))
        self.fill(template)
        template.close()
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()
        for name in (self._name, self._template):
            drop_database(self._servers.postgres, name)
        Management(self._servers.rabbitmq).delete_vhost(self._name)
        for bucket in self._buckets.values():
            s3.delete_bucket(self._servers.minio, bucket.name)

    def begin(self) -> None:
        self.database.close()
        drop_database(self._servers.postgres, self._name)
        create_database(self._servers.postgres, self._name, template=self._template)
        with self._channel() as channel:
            for queue in _ALL:
                channel.queue_purge(queue)
        for bucket in self._buckets.values():
            for upload in bucket.unfinished_uploads():
                bucket.abort_upload(upload.key, upload.upload_id)
            for key in bucket.list():
                bucket.delete(key)
        self.fill_stores(self.stores)

    def settings(self) -> dict[str, Any]:
        minio = self._servers.minio
        account = {"endpoint": minio.endpoint, "access_key": minio.access_key, "secret_key": minio.secret_key}
        stores = {name: f"s3://{bucket.name}" for name, bucket in self._buckets.items()}
        return {**stores, **{f"s3_{name}": value for name, value in account.items()}}

    def owed(self) -> int:
        # in one statement: a unit that acts on one message may send the next
        with self.database.read() as connection:
            return connection.scalar(_OWED, {"consumed": list(self.consumed)}) or 0

    def check_queues(self) -> bool:
        """Check that what is for others came, under no other id than it was sent with."""
        with self._channel() as channel:
            if any(_count(channel, queue) for queue in (*self.consumed, DEAD_QUEUE)):
                return False
            for queue in set(_ALL) - {*self.consumed, DEAD_QUEUE}:
                came = Counter(_ids(channel, queue))
                assert came.keys() == sent_ids(self.database, queue), queue
        return True

    def _bucket(self, name: str) -> S3Store:
        minio = self._servers.minio
        return S3Store(
            endpoint=minio.address,
            access_key=minio.access_key,
            secret_key=minio.secret_key,
            bucket=f"{self._name}-{name}",
            secure=False,
        )

    @contextmanager
    def _channel(self) -> Iterator[BlockingChannel]:
        with pika.BlockingConnection(pika.URLParameters(self.broker_url)) as connection:
            yield connection.channel()


def _count(channel: BlockingChannel, queue: str) -> int:
    return int(channel.queue_declare(queue, passive=True).method.message_count)


def _ids(channel: BlockingChannel, queue: str) -> Iterator[str]:
    while (got := channel.basic_get(queue, auto_ack=True))[0] is not None:
        yield got[1].message_id
