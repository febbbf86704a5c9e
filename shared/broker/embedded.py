"""Deliveries from the `outgoing` table itself: the source of the embedded node, which has no broker.

One process holds the node (its folder is locked), so the rows it has in hand are remembered in memory, and a killed
process leaves nothing behind that had to be given back. Settling a delivery deletes its row in the very
transaction that commits its unit.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select

from shared.broker.delivery import Delivery
from shared.broker.unit import Unit
from shared.database.engine import Database, DatabaseAway
from shared.database.queue_tables import outgoing
from shared.database.sets import padded
from shared.database.statements import DELIVERY_SETTLE
from shared.database.types import UtcDateTime, now
from shared.identifiers import MessageId

POLL = 0.25
"""Seconds between looks at the table for rows that fell due or that another process wrote."""

_DUE = (
    select(outgoing)
    .where(
        outgoing.c.queue == bindparam("this_queue"),
        outgoing.c.due <= bindparam("at", type_=UtcDateTime()),
        outgoing.c.id.not_in(bindparam("in_hand", expanding=True)),
    )
    .order_by(outgoing.c.due, outgoing.c.id)
    .limit(bindparam("most"))
)
_NEWEST = select(func.max(outgoing.c.id)).where(outgoing.c.queue == bindparam("this_queue"))
_PRESENT = select(outgoing.c.id).where(outgoing.c.id == bindparam("row"))


class Bell:
    """Rung by commits, so that new rows need not wait for the next poll of their queue."""

    def __init__(self) -> None:
        self._listeners: dict[str, Callable[[], None]] = {}

    def listen(self, queue: str, listener: Callable[[], None]) -> None:
        self._listeners[queue] = listener

    def ring(self, units: Sequence[Unit]) -> None:
        """Tell the queues to which these units have sent something."""
        for queue in {queue for unit in units for queue in unit.addressed}:
            if queue in self._listeners:
                self._listeners[queue]()


class EmbeddedSource:
    """Takes the due rows of one queue, oldest first."""

    def __init__(self, database: Database, queue: str, bell: Bell, *, prefetch: int) -> None:
        self.queue = queue
        self._database = database
        self._prefetch = prefetch
        self._changed = threading.Condition()
        self._waiting: deque[Delivery] = deque()
        self._in_hand: set[int] = set()
        self._handed_back: set[int] = set()
        self._newest_at_start = 0
        self._open = False
        self._look_at = 0.0
        bell.listen(queue, self._look_now)

    @property
    def connected(self) -> bool:
        return self._open

    def start(self) -> None:
        with self._database.read() as connection:
            self._newest_at_start = connection.scalar(_NEWEST, {"this_queue": self.queue}) or 0
        self._open = True

    def get(self, timeout: float) -> Delivery | None:
        with self._changed:
            if not self._waiting:
                self._fetch()
            if not self._waiting:
                self._changed.wait(timeout)
                self._fetch()
            return self._waiting.popleft() if self._waiting else None

    def holds(self, delivery: Delivery) -> bool:
        with self._changed:
            return _row_id(delivery) in self._in_hand

    def settled(self, connection: Connection, deliveries: Sequence[Delivery]) -> Sequence[bool]:
        # rows are deleted by nobody else; only after a lost race there is something to be asked
        return [bool(delivery.races_lost) and self._is_gone(connection, delivery) for delivery in deliveries]

    def _is_gone(self, connection: Connection, delivery: Delivery) -> bool:
        return connection.execute(_PRESENT, {"row": delivery.receipt}).one_or_none() is None

    def settle_with(self, delivery: Delivery, unit: Unit, *, answered: bool) -> None:  # noqa: ARG002 - comes once only
        unit.add(DELIVERY_SETTLE, outgoing_id=delivery.receipt)

    def settle(self, delivery: Delivery) -> None:
        with self._changed:
            self._in_hand.discard(_row_id(delivery))
            self._handed_back.discard(_row_id(delivery))
            if self._wanted() and not self._look_at:
                self._changed.notify()

    def hand_back(self, delivery: Delivery) -> None:
        with self._changed:
            self._handed_back.add(_row_id(delivery))
            self._in_hand.discard(_row_id(delivery))
        self._look_now()

    def pause(self) -> None:
        with self._changed:
            self._open = False
            self._in_hand -= {_row_id(delivery) for delivery in self._waiting}
            self._waiting.clear()

    def resume(self) -> None:
        self._open = True

    def stop(self) -> None:
        self.pause()

    def _look_now(self) -> None:
        with self._changed:
            self._look_at = 0.0
            self._changed.notify()

    def _fetch(self) -> None:
        most = self._wanted()
        if self._waiting or not self._open or not most or time.monotonic() < self._look_at:
            return
        values = {"this_queue": self.queue, "at": now(), "most": most, "in_hand": padded(list(self._in_hand))}
        try:
            with self._database.read() as connection:
                rows = connection.execute(_DUE, values).all()
        except DatabaseAway:
            rows = []
        self._waiting.extend(_delivery(row, redelivered=self._may_have_been_taken(row.id)) for row in rows)
        self._in_hand |= {row.id for row in rows}
        self._look_at = 0.0 if len(rows) == most else time.monotonic() + POLL

    def _wanted(self) -> int:
        """Return how many rows to ask for: none until half of those in hand are done, so that it is worth asking."""
        free = self._prefetch - len(self._in_hand)
        return free if 2 * free >= self._prefetch else 0

    def _may_have_been_taken(self, row: int) -> bool:
        """Tell whether this process, or one that was killed before it, may have had this row in hand."""
        return row <= self._newest_at_start or row in self._handed_back


def _row_id(delivery: Delivery) -> int:
    assert isinstance(delivery.receipt, int)
    return delivery.receipt


def _delivery(row: Row[Any], *, redelivered: bool) -> Delivery:
    return Delivery(
        queue=row.queue,
        body=row.body.encode(),
        correlation_id=row.correlation_id,
        message_id=MessageId(row.message_id),
        attempt=row.attempt,
        first_seen=row.first_seen,
        redelivered=redelivered,
        receipt=row.id,
    )
