"""RabbitMQ with PostgreSQL as a place of the promises."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel

from shared.broker.commit import to_exchange
from shared.broker.node import Node
from shared.broker.rabbit import Link
from shared.broker.real import RealSettings, real_node
from shared.database.engine import Database
from shared.lifecycle import running
from tests.contract.broker.kit import Flow, eventually


class RealFlow(Flow):
    """A vhost and a database; nodes use `url`, which may lead through a proxy."""

    routing = staticmethod(to_exchange)

    def __init__(self, database: Database, url: str) -> None:
        super().__init__(database)
        self.url = url
        link = Link(url)
        with running([link]):
            eventually(lambda: link.connected)

    @contextmanager
    def node(self, **flow: Any) -> Iterator[Node]:
        database_url = self.database.url.render_as_string(hide_password=False)
        with real_node(RealSettings(database_url=database_url, broker_url=self.url, **flow)) as node:
            yield node

    def publish(self, queue: str, body: bytes, correlation_id: str | None = None) -> None:
        self.publish_with(queue, body, correlation_id=correlation_id)

    def publish_with(self, queue: str, body: bytes, **properties: Any) -> None:
        """Put a message with any properties into a queue."""
        with self.channel() as channel:
            channel.confirm_delivery()
            channel.basic_publish("", queue, body, pika.BasicProperties(**properties), mandatory=True)

    def backlog(self, queue: str) -> int:
        with self.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).method.message_count)

    def take(self, queue: str, seconds: float = 15.0) -> tuple[pika.BasicProperties, bytes]:
        """Take one message from a queue, with a deadline."""
        deadline = time.monotonic() + seconds
        with self.channel() as channel:
            while time.monotonic() < deadline:
                method, properties, body = channel.basic_get(queue, auto_ack=True)
                if method is not None:
                    return properties, body
                time.sleep(0.01)
        raise AssertionError(f"nothing came to queue {queue} in time")

    @contextmanager
    def channel(self) -> Iterator[BlockingChannel]:
        connection = pika.BlockingConnection(pika.URLParameters(self.url))
        try:
            yield connection.channel()
        finally:
            connection.close()
