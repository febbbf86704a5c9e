"""The runner: takes deliveries, lets a handler decide them, commits, and settles. No other code does."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial

import structlog
from sqlalchemy import Connection

from shared.broker import intake
from shared.broker.committer import Committer
from shared.broker.delivery import Delivery, Source
from shared.broker.intake import Intake, Load, Ready
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


def nothing(_connection: Connection, deliveries: Sequence[Delivery]) -> Sequence[object]:
    """Find out nothing, for handlers that need not or that ask by themselves."""
    return [None] * len(deliveries)


class Delays:
    """Pauses before the next attempt; they grow while one fault follows the other.

    A database that answers and yet takes no commits must not be asked again and again at once: with every pause the
    broker counts a delivery, up to the limit of its queues.
    """

    def __init__(self, *, first: float = intake.TICK, longest: float = 10, calm: float = 60) -> None:
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
        load: Load = nothing,
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
        self._away = threading.Event()
        self._stopping = threading.Event()
        self._seconds, self._in_flight = HANDLER_SECONDS.labels(source.queue), IN_FLIGHT.labels(source.queue)
        name = f"{service}-{source.queue}"
        self._intake = Intake(name, source, database, committer, load, self._database_went_away)
        self._workers = [threading.Thread(target=self._work, name=f"{name}-{n}", daemon=True) for n in range(workers)]
        self._watch = threading.Thread(target=self._watch_database, name=f"{name}-watch", daemon=True)

    def start(self) -> None:
        self._source.start()
        self._intake.start()
        for thread in (*self._workers, self._watch):
            thread.start()

    def stop(self) -> None:
        """Take nothing more, finish what is under way, and hand back the rest."""
        self._stopping.set()
        self._source.stop()
        self._intake.stop()
        self._intake.leave()
        for thread in (*self._workers, self._watch):
            thread.join()
        self._intake.leave()  # what was to be decided anew

    @property
    def alive(self) -> bool:
        """Whether all threads of the runner live; if not, the process had better start again."""
        return self._intake.alive and all(thread.is_alive() for thread in (*self._workers, self._watch))

    @property
    def connected(self) -> bool:
        return self._source.connected

    def _work(self) -> None:
        while not self._stopping.is_set():
            ready = self._intake.next(intake.TICK)
            if ready is not None:
                with self._in_flight.track_inprogress():
                    self._process(ready)

    def _process(self, ready: Ready) -> None:
        delivery, unit = ready.delivery, Unit(self._service, origin=ready.delivery.origin)
        structlog.contextvars.bind_contextvars(queue=delivery.queue, correlation_id=delivery.file_id)
        try:
            decided = self._decide_in_time(ready, unit)
        except DatabaseAway as away:
            self._database_went_away(delivery, away)
        else:
            if decided is not None:
                self._commit(delivery, *decided)
        finally:
            structlog.contextvars.clear_contextvars()

    def _decide_in_time(self, ready: Ready, unit: Unit) -> tuple[Unit, Outcome] | None:
        """Decide a delivery that is still ours, and say that it is no longer waited for."""
        try:
            if not self._source.holds(ready.delivery):
                return None
            with self._seconds.time():
                return self._decide(ready if ready.fresh else self._intake.look(ready.delivery), unit)
        finally:
            self._committer.expect(-1)

    def _decide(self, ready: Ready, unit: Unit) -> tuple[Unit, Outcome]:
        """Return the unit to commit and how the delivery ends; raises DatabaseAway."""
        if ready.settled:
            return unit, Outcome.REPEATED
        delivery = ready.delivery
        try:
            self._handle(ready, unit)
        except DatabaseAway:
            self._abandon_lease(unit)
            raise
        except Exception as error:  # noqa: BLE001 - the one place where every error has its outcome
            refusal = Unit(self._service, file=unit.file, lease=unit.lease)
            outcome = settle_error(error, delivery, refusal, self._patience)
            log.info("delivery_not_done", outcome=outcome.value, error=type(error).__name__, reason=str(error))
            return refusal, outcome
        return unit, Outcome.DONE

    def _handle(self, ready: Ready, unit: Unit) -> None:
        if ready.fault is not None:
            raise ready.fault
        if ready.delivery.races_lost > RACES:
            raise NotYet("others keep changing the file")
        self._handler(ready.delivery, unit)

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
            self._intake.again(delivery.decided_anew())
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
            if not self._away.wait(intake.TICK):
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
