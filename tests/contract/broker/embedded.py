"""The embedded source as a place of the promises."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import func, select

from shared.broker.commit import to_local_queue
from shared.broker.local import local_node
from shared.broker.node import Node
from shared.broker.settings import FlowSettings
from shared.broker.unit import Unit
from shared.database.queue_tables import outgoing
from tests.contract.broker.kit import SERVICE, Flow


class EmbeddedFlow(Flow):
    """SQLite alone."""

    routing = staticmethod(to_local_queue)

    @contextmanager
    def node(self, **flow: Any) -> Iterator[Node]:
        yield local_node(self.database, FlowSettings(**flow))

    def publish(self, queue: str, body: bytes, correlation_id: str | None = None) -> None:
        unit = Unit(SERVICE)
        unit.send_raw(queue, body.decode("utf-8", "replace"), correlation_id, queue=queue)
        self.commit(unit)

    def backlog(self, queue: str) -> int:
        with self.database.read() as connection:
            return connection.scalar(select(func.count()).where(outgoing.c.queue == queue)) or 0
