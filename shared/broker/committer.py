"""Group commit: one thread per process commits the units that are ready together.

A unit waits for company only while other deliveries are under way, and never longer than the linger:
a lone file is committed at once (measured in docs/explanation/performance.md). A unit of a front's waits, at most for
a breath since the last group began, if that had several: then more will come.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import structlog

from shared.broker.commit import UnitWriter
from shared.broker.unit import Unit
from shared.database.engine import Conflict, DatabaseAway
from shared.metrics import COMMIT_SECONDS, COMMITS, COMMITTED_UNITS

log = structlog.get_logger(__name__)

GROUP = 64
LINGER = 0.1
BREATH = 0.01


@dataclass(frozen=True)
class _Job:
    unit: Unit
    done: "Future[None]"
    urgent: bool
    """someone stands still until it is committed, so it does not wait for company"""
    breathes: bool = False


class Committer:
    """Commits units; in groups while it can, one by one where a unit of a group stands against the database."""

    def __init__(
        self, writer: UnitWriter, *, on_commit: Callable[[Sequence[Unit]], None], linger: float = LINGER
    ) -> None:
        self._writer = writer
        self._on_commit = on_commit
        self._linger = linger
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._expected = 0
        self._next = 0.0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Commit what was submitted, then end."""
        self._jobs.put(None)
        self._thread.join()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def expect(self, units: int) -> None:
        """Say that so many units are being made, so that others may wait for them; a negative number takes it back."""
        with self._lock:
            self._expected += units

    def submit(self, unit: Unit, *, breathes: bool = False) -> "Future[None]":
        """Commit a unit soon; the future raises Conflict or DatabaseAway where it could not be.

        breathes: it waits for a breath, not for the deliveries that are under way.
        """
        return self._put(unit, urgent=False, breathes=breathes)

    def commit(self, unit: Unit) -> None:
        """Commit a unit and wait for it; raises Conflict, DatabaseAway."""
        self._put(unit, urgent=True).result()

    def _put(self, unit: Unit, *, urgent: bool, breathes: bool = False) -> "Future[None]":
        done: Future[None] = Future()
        self._jobs.put(_Job(unit, done, urgent, breathes))
        return done

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            group, last = self._gather(job)
            self._next = time.monotonic() + BREATH if len(group) > 1 else 0
            self._commit(group)
            if last:
                return

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        group, end = [first], time.monotonic() + self._linger
        while len(group) < GROUP:
            try:
                job = self._jobs.get(timeout=self._patience(group, end))
            except queue.Empty:
                break
            if job is None:
                return group, True
            group.append(job)
        return group, False

    def _patience(self, group: list[_Job], end: float) -> float:
        if any(job.urgent for job in group):
            return 0
        if any(job.breathes for job in group):
            return max(0.0, self._next - time.monotonic())
        return max(0.0, end - time.monotonic()) if self._expected else 0

    def _commit(self, group: list[_Job]) -> None:
        """Commit a group; the loser of a race must not take the others with it, so a refused group is split."""
        try:
            with COMMIT_SECONDS.time():
                self._writer.write([job.unit for job in group])
        except Conflict as conflict:
            if len(group) == 1:
                group[0].done.set_exception(conflict)
                return
            for job in group:
                self._commit([job])
        except DatabaseAway as away:
            for job in group:
                job.done.set_exception(away)
        except Exception as error:
            log.exception("commit_failed", units=len(group))
            self._split_after_bug(group, error)
        else:
            self._succeeded(group)

    def _split_after_bug(self, group: list[_Job], error: Exception) -> None:
        if len(group) == 1:
            group[0].done.set_exception(error)
            return
        for job in group:
            self._commit([job])

    def _succeeded(self, group: list[_Job]) -> None:
        COMMITS.inc()
        COMMITTED_UNITS.inc(len(group))
        self._on_commit([job.unit for job in group])
        for job in group:
            job.done.set_result(None)
