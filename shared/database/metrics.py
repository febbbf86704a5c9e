"""What only the database knows, read when it is asked for: files and datasets by state, messages owed, dead letters."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Column, Connection, func, select, text

from shared.database.engine import Database, DatabaseAway
from shared.database.queue_tables import dead_letters, outgoing
from shared.database.states import DatasetState, FileState
from shared.database.tables import datasets, files
from shared.database.types import now

KEPT_SECONDS = 5.0
_LIMIT_MS = 2000

_registered: "DatabaseCollector | None" = None

_QUEUE = func.coalesce(outgoing.c.queue, outgoing.c.routing_key)
_OWED = select(_QUEUE, func.count(), func.min(outgoing.c.due)).group_by(_QUEUE)


class DatabaseCollector(Collector):
    """Asks the database at most once in `kept_seconds`; while it is away, there is only `strongroom_database_up` 0."""

    def __init__(self, database: Database, *, kept_seconds: float = KEPT_SECONDS) -> None:
        self._database = database
        self._kept_seconds = kept_seconds
        self._lock = threading.Lock()
        self._kept: list[Metric] = []
        self._until = 0.0

    def describe(self) -> Iterable[Metric]:
        """Tell nothing: registering must not ask the database."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Return the metrics; several scrapes at once share one answer."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._kept = self._ask()
                self._until = time.monotonic() + self._kept_seconds
            return self._kept

    def _ask(self) -> list[Metric]:
        up = GaugeMetricFamily("strongroom_database_up", "1 while the database answers.")
        try:
            with self._database.read() as connection, _limited(connection, self._database):
                found = [metric for read in _READS for metric in read(connection)]
        except DatabaseAway:
            up.add_metric([], 0)
            return [up]
        up.add_metric([], 1)
        return [up, *found]


def register_database_metrics(database: Database) -> None:
    """Show the metrics of this process's database at `/metrics`; of another one only instead of this."""
    global _registered  # noqa: PLW0603 - as the registry itself is one for the process
    if _registered is not None:
        REGISTRY.unregister(_registered)
    _registered = DatabaseCollector(database)
    REGISTRY.register(_registered)


@contextmanager
def _limited(connection: Connection, database: Database) -> Iterator[None]:
    """Let no statement take longer than a scrape may."""
    if database.is_sqlite:
        yield
        return
    connection.execute(text(f"SET statement_timeout = {_LIMIT_MS}"))
    try:
        yield
    finally:
        connection.execute(text("RESET statement_timeout"))


def _by_state(name: str, help_text: str, column: Column[str], states: type[StrEnum]) -> Callable[..., Iterator[Metric]]:
    query = select(column, func.count()).group_by(column)

    def read(connection: Connection) -> Iterator[Metric]:
        counts = {row[0]: row[1] for row in connection.execute(query)}
        gauge = GaugeMetricFamily(name, help_text, labels=["state"])
        for state in states:
            gauge.add_metric([state.value], counts.get(state.value, 0))
        yield gauge

    return read


def _owed(connection: Connection) -> Iterator[Metric]:
    owed = GaugeMetricFamily(
        "strongroom_outgoing_owed", "Messages not yet sent or handled, by queue or routing key.", labels=["queue"]
    )
    oldest = GaugeMetricFamily(
        "strongroom_outgoing_oldest_seconds", "How long the oldest of them has been due.", labels=["queue"]
    )
    at = now()
    for queue, count, due in connection.execute(_OWED):
        owed.add_metric([queue], count)
        oldest.add_metric([queue], max(at - due, timedelta()).total_seconds())
    yield owed
    yield oldest


def _dead(connection: Connection) -> Iterator[Metric]:
    count = connection.execute(select(func.count()).select_from(dead_letters)).scalar_one()
    yield GaugeMetricFamily("strongroom_dead_letters", "Messages that were given up, for an operator to decide.", count)


_READS = (
    _by_state("strongroom_files", "Files by state.", files.c.state, FileState),
    _by_state("strongroom_datasets", "Datasets by state.", datasets.c.state, DatasetState),
    _owed,
    _dead,
)
