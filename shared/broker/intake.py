"""Takes deliveries from a source as they wait, and asks the database about all of them at once.

Asking one by one was the dearest part of a small file. What is known may be old by the time a worker gets to it: then
it is asked anew, and whatever changes even later is found by the compare-and-set of the commit.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import structlog
from sqlalchemy import Connection

from shared.broker.committer import Committer
from shared.broker.delivery import Delivery, Source
from shared.database.engine import Database, DatabaseAway

log = structlog.get_logger(__name__)

Load = Callable[[Connection, Sequence[Delivery]], Sequence[object]]
"""Asks what a handler has to know about deliveries; the answers are in their order, and become their `known`."""

MOST = 32
"""Deliveries that are asked about at once."""

FRESH = 1.0
"""Seconds for which what is known of a delivery counts as new."""

TICK = 0.2
"""Seconds after which an idle thread looks whether it is to stop."""


@dataclass(frozen=True)
class Ready:
    """A delivery to be decided; `settled`: a unit for its message was committed before."""

    delivery: Delivery
    settled: bool = False
    fault: Exception | None = None
    """why nothing could be found out about it"""
    at: float = field(default_factory=time.monotonic)

    @property
    def fresh(self) -> bool:
        return time.monotonic() - self.at < FRESH


class Intake:
    """Reads on a thread of its own for the workers of one runner."""

    def __init__(  # noqa: PLR0917 - collaborators
        self,
        name: str,
        source: Source,
        database: Database,
        committer: Committer,
        load: Load,
        on_away: Callable[[Delivery, DatabaseAway], None],
    ) -> None:
        self._source = source
        self._database = database
        self._committer = committer
        self._load = load
        self._on_away = on_away
        # not a SimpleQueue: where several threads take from one, CPython 3.11 may forget the timeout of `get`
        self._ready: queue.Queue[Ready] = queue.Queue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{name}-intake", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more from the source."""
        self._stopping.set()
        self._thread.join()

    def leave(self) -> None:
        """Hand back what no worker has taken."""
        while (ready := self.next(0)) is not None:
            self._committer.expect(-1)
            self._source.hand_back(ready.delivery)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def next(self, timeout: float) -> Ready | None:
        """Return a delivery that is to be decided, or None after `timeout` seconds."""
        try:
            return self._ready.get(timeout=timeout) if timeout else self._ready.get_nowait()
        except queue.Empty:
            return None

    def again(self, delivery: Delivery) -> None:
        """Have a delivery decided anew, on new knowledge."""
        self._committer.expect(1)
        self._ready.put(Ready(delivery, at=-FRESH))

    def look(self, delivery: Delivery) -> Ready:
        """Ask about one delivery now; raises DatabaseAway."""
        try:
            [ready] = self._ask(delivery)
        except DatabaseAway:
            raise
        except Exception as error:  # noqa: BLE001 - it becomes the outcome of this delivery
            return Ready(delivery, fault=error)
        return ready

    def _run(self) -> None:
        while not self._stopping.is_set():
            first = self._source.get(TICK)
            if first is not None:
                self._offer([first, *self._waiting()])

    def _waiting(self) -> Iterator[Delivery]:
        for _ in range(MOST - 1):
            delivery = self._source.get(0)
            if delivery is None:
                return
            yield delivery

    def _offer(self, deliveries: Sequence[Delivery]) -> None:
        self._committer.expect(len(deliveries))
        try:
            found = self._look_at_all(deliveries)
        except DatabaseAway as away:
            self._committer.expect(-len(deliveries))
            for delivery in deliveries:
                self._on_away(delivery, away)
            return
        for ready in found:
            self._ready.put(ready)

    def _look_at_all(self, deliveries: Sequence[Delivery]) -> Sequence[Ready]:
        try:
            return self._ask(*deliveries)
        except DatabaseAway:
            raise
        except Exception:
            # one of them is poison: it must not take the others with it
            log.exception("intake_failed", queue=self._source.queue, deliveries=len(deliveries))
            return [self.look(delivery) for delivery in deliveries]

    def _ask(self, *deliveries: Delivery) -> Sequence[Ready]:
        with self._database.read() as connection:
            settled = self._source.settled(connection, deliveries)
            known = self._load(connection, deliveries)
        return [
            Ready(replace(delivery, known=found), done)
            for delivery, done, found in zip(deliveries, settled, known, strict=True)
        ]
