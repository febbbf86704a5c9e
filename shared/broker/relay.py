"""The relay: publishes the rows of `outgoing` that are due, and deletes those that the broker has confirmed.

Rows are locked while they are under way, so several relays share the table; a relay that dies leaves its rows to
the others. A row may so be published twice, never lost; its message id tells the consumer.
"""

import threading
import time
from collections.abc import Iterator, Sequence

import structlog
from sqlalchemy import BigInteger, Connection, bindparam, insert, select

from shared.broker.publishing import Batch, BatchRefused, BrokerAway, Outgoing, Publisher
from shared.broker.unit import Unit
from shared.database.engine import Database, DatabaseAway
from shared.database.queue_tables import dead_letters, outgoing
from shared.database.sets import SetStatement
from shared.database.types import UtcDateTime, now
from shared.metrics import PUBLISHED

log = structlog.get_logger(__name__)

BATCH = 200
SWEEP = 0.5
"""Seconds between looks at the table for rows that fell due or that a dead process left."""
BREATH = 0.02
"""Seconds from the beginning of a batch of several rows to the next look: then more are coming."""

_DUE = (
    select(*(outgoing.c[name] for name in Outgoing.__dataclass_fields__))
    .where(outgoing.c.due <= bindparam("at", type_=UtcDateTime()))
    .order_by(outgoing.c.id)
    .limit(BATCH)
    .with_for_update(skip_locked=True)
)
_DONE = SetStatement("DELETE FROM outgoing WHERE id IN (SELECT id FROM {rows})", {"id": BigInteger()})


class Relay:
    """Publishes what is due, woken by the commits of its own process and by a slow sweep for all else."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher
        self._careful = False
        self._next = 0.0
        self._rung = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Publish what is due now, then end."""
        self._stopping.set()
        self._rung.set()
        self._thread.join()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def ring(self, units: Sequence[Unit]) -> None:
        """Say that units were committed."""
        if any(True for unit in units for _ in unit.addressed):
            self._rung.set()

    def _run(self) -> None:
        while True:
            last = self._stopping.is_set()
            self._rung.clear()
            try:
                while self._publish_some():
                    pass
            except BatchRefused as refusal:
                log.warning("relay_goes_one_by_one", reason=str(refusal))
                self._careful = True
            except (DatabaseAway, BrokerAway) as away:
                log.warning("relay_waits", reason=str(away))
                self._stopping.wait(1)
            if last:
                return
            self._rung.wait(SWEEP)
            self._stopping.wait(self._next - time.monotonic())

    def _publish_some(self) -> bool:
        """Return whether more may be due; what the broker does not take now is not tried again at once."""
        if not self._publisher.connected:
            return False
        with self._database.write() as connection:
            rows = [Outgoing(*row) for row in connection.execute(_DUE, {"at": now()})]
            self._next = time.monotonic() + BREATH if len(rows) > 1 else 0
            settled = sum(self._note(connection, batch) for batch in self._published(rows))
        return settled == BATCH

    def _published(self, rows: Sequence[Outgoing]) -> Iterator[Batch]:
        """Publish all at once; one by one, until it is found, after the broker did not take one of them."""
        if not self._careful:
            yield from [self._publisher.publish(rows)] if rows else []
            return
        for row in rows:
            batch = self._publisher.publish([row])
            yield batch
            if batch.closed_over:
                break
        self._careful = False

    def _note(self, connection: Connection, batch: Batch) -> int:
        """Write down what became of the messages, and return how many are settled."""
        lost = dict.fromkeys(batch.unroutable, "unroutable: no queue is bound for this message") | batch.unfit
        settled = batch.confirmed | lost.keys()
        if lost:
            letters = [_dead_letter(row, lost[row.id]) for row in batch.rows if row.id in lost]
            connection.execute(insert(dead_letters), letters)
        if settled:
            _DONE.run(connection, [{"id": row} for row in settled])
        for row in batch.rows:
            if row.id in batch.confirmed - batch.unroutable:
                PUBLISHED.labels(row.routing_key).inc()
        return len(settled)


def _dead_letter(row: Outgoing, reason: str) -> dict[str, object]:
    return {
        "queue": row.queue or row.routing_key,
        "correlation_id": row.correlation_id,
        "body": row.body,
        "reason": reason,
        "at": now(),
    }
