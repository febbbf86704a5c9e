"""The runner: takes deliveries, lets a handler decide them, commits, and settles. No other code does."""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

import structlog

from shared.broker.committer import Committer
from shared.broker.delivery import Delivery, Source
from shared.broker.leases import LeaseKeeper
from shared.broker.outcomes import Outcome, Patience, settle_error
from shared.broker.unit import Unit
from shared.database.engine import Conflict, Database, DatabaseAway
from shared.errors import NotYet
from shared.metrics import DELIVERIES, HANDLER_SECONDS, IN_FLIGHT, PAUSED

log = structlog.get_logger(__name__)

Handler = Callable[[Delivery, Unit], None]
"""Decides one delivery: writes into the unit what is to be done, or raises one of the errors of shared/errors.py."""

RACES = 5
"""How often a delivery is decided anew at once before it is put off."""

TICK = 0.2
"""Seconds after which an idle worker looks whether it is to stop."""


class Delays:
    """Pauses before the next attempt; they grow while one fault follows the other.

    A database that answers and yet takes no commits must not be asked again and again at once: with every pause the
    broker counts a delivery, up to the limit of its queues.
    """

    def __init__(self, *, first: float = TICK, longest: float = 10, calm: float = 60) -> None:
        self._first, self._longest, self._calm = first, longest, calm
        self._delay = 0.0
        self._asked_at = 0.0

    def next(self) -> float:
        """Return the seconds to wait; the first pause again when the last one was long ago."""
        now = time.monotonic()
        again = self._delay and now - self._asked_at < self._calm
        self._delay = min(self._delay * 2, self._longest) if again else self._first
        self._asked_at = now
        return self._delay


class Runner:
    """Runs one handler on the deliveries of one queue, with several worker threads."""

    def __init__(
        self,
        *,
        service: str,
        source: Source,
        handler: Handler,
        database: Database,
        committer: Committer,
        leases: LeaseKeeper,
        patience: Patience,
        workers: int,
    ) -> None:
        self._service = service
        self._source = source
        self._handler = handler
        self._database = database
        self._committer = committer
        self._leases = leases
        self._patience = patience
        self._again: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self._away = threading.Event()
        self._stopping = threading.Event()
        name = f"{service}-{source.queue}"
        self._workers = [threading.Thread(target=self._work, name=f"{name}-{n}", daemon=True) for n in range(workers)]
        self._watch = threading.Thread(target=self._watch_database, name=f"{name}-watch", daemon=True)

    def start(self) -> None:
        self._source.start()
        for thread in (*self._workers, self._watch):
            thread.start()

    def stop(self) -> None:
        """Take nothing more, finish what is under way, and hand back the rest."""
        self._stopping.set()
        self._source.stop()
        for thread in (*self._workers, self._watch):
            thread.join()
        while not self._again.empty():
            self._source.hand_back(self._again.get())

    @property
    def alive(self) -> bool:
        """Whether all threads of the runner live; if not, the process had better start again."""
        return all(thread.is_alive() for thread in (*self._workers, self._watch))

    @property
    def connected(self) -> bool:
        return self._source.connected

    def _work(self) -> None:
        while not self._stopping.is_set():
            delivery = self._next()
            if delivery is not None:
                with IN_FLIGHT.labels(self._source.queue).track_inprogress():
                    self._process(delivery)

    def _next(self) -> Delivery | None:
        try:
            return self._again.get_nowait()
        except queue.Empty:
            return self._source.get(TICK)

    def _process(self, delivery: Delivery) -> None:
        structlog.contextvars.bind_contextvars(queue=delivery.queue, correlation_id=delivery.file_id)
        unit = Unit(self._service)
        try:
            with self._committer.working(), HANDLER_SECONDS.labels(delivery.queue).time():
                outcome, unit = self._decide(delivery, unit)
        except DatabaseAway as away:
            self._database_went_away(delivery, away)
        else:
            self._commit(delivery, unit, outcome)
        finally:
            structlog.contextvars.clear_contextvars()

    def _decide(self, delivery: Delivery, unit: Unit) -> tuple[Outcome, Unit]:
        """Return how the delivery ends and the unit to commit; raises DatabaseAway."""
        with self._database.read() as connection:
            if self._source.is_settled(connection, delivery):
                return Outcome.REPEATED, unit
        try:
            self._handle(delivery, unit)
        except DatabaseAway:
            self._abandon_lease(unit)
            raise
        except Exception as error:  # noqa: BLE001 - the one place where every error has its outcome
            refusal = Unit(self._service, file=unit.file, lease=unit.lease)
            outcome = settle_error(error, delivery, refusal, self._patience)
            log.info("delivery_not_done", outcome=outcome.value, error=type(error).__name__, reason=str(error))
            return outcome, refusal
        return Outcome.DONE, unit

    def _handle(self, delivery: Delivery, unit: Unit) -> None:
        if delivery.races_lost > RACES:
            raise NotYet("others keep changing the file")
        self._handler(delivery, unit)

    def _commit(self, delivery: Delivery, unit: Unit, outcome: Outcome) -> None:
        if outcome is Outcome.REPEATED:
            self._settled(delivery, outcome)
            return
        self._source.settle_with(delivery, unit, answered=outcome.is_answer)
        if unit.lease is not None:
            self._leases.release_with(unit.lease, unit)
        self._committer.submit(unit).add_done_callback(partial(self._committed, delivery, unit, outcome))

    def _committed(self, delivery: Delivery, unit: Unit, outcome: Outcome, done: "Future[None]") -> None:
        error = done.exception()
        if error is None:
            if unit.lease is not None:
                self._leases.forget(unit.lease)
            self._settled(delivery, outcome)
            return
        self._abandon_lease(unit)
        if isinstance(error, Conflict):
            log.info("race_lost", queue=delivery.queue, correlation_id=delivery.file_id, reason=str(error))
            self._again.put(delivery.decided_anew())
        elif isinstance(error, DatabaseAway):
            self._database_went_away(delivery, error)
        else:
            self._commit_failed(delivery, error)

    def _commit_failed(self, delivery: Delivery, error: BaseException) -> None:
        """The database refuses the unit itself: a bug. Bury the delivery; if even that fails, let it come again."""
        if delivery.races_lost > RACES or not isinstance(error, Exception):
            self._source.hand_back(delivery)
            return
        burial = Unit(self._service)
        outcome = settle_error(error, delivery, burial, self._patience)
        self._commit(delivery.decided_anew(), burial, outcome)

    def _settled(self, delivery: Delivery, outcome: Outcome) -> None:
        self._source.settle(delivery)
        DELIVERIES.labels(delivery.queue, outcome.value).inc()

    def _abandon_lease(self, unit: Unit) -> None:
        if unit.lease is not None:
            self._leases.abandon(unit.lease)

    def _database_went_away(self, delivery: Delivery, away: DatabaseAway) -> None:
        log.warning("database_away", queue=delivery.queue, reason=str(away))
        self._source.hand_back(delivery)
        self._away.set()

    def _watch_database(self) -> None:
        """While the database is away nothing can be decided: hand everything back, wait, and begin again."""
        delays = Delays()
        while not self._stopping.is_set():
            if not self._away.wait(TICK):
                continue
            with PAUSED.labels(self._source.queue).track_inprogress():
                self._source.pause()
                self._wait_for_database(delays)
                self._away.clear()
                if not self._stopping.is_set():
                    self._source.resume()

    def _wait_for_database(self, delays: Delays) -> None:
        while not self._stopping.wait(delays.next()):
            try:
                self._database.check()
            except DatabaseAway:
                continue
            log.info("database_back", queue=self._source.queue)
            return
