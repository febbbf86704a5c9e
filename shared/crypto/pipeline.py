"""Stages of work on successive batches, shared by a few threads that are never idle while a stage is ready.

Each worker takes the last stage that is ready, so batches leave as fast as they can and two workers keep two cores
busy; a fixed share of the stages for each thread would wait for its slower half.
"""

import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

Slot = TypeVar("Slot")

_UNKNOWN = sys.maxsize
_FILL = 0


@dataclass(frozen=True, kw_only=True)
class Stage(Generic[Slot]):
    """One kind of work, done once on each batch and in order; it releases the GIL to be of use."""

    work: Callable[[Slot], object]
    after: "Stage[Slot] | None" = None
    """The stage whose result it needs; None: only the batch itself."""


class Pipeline(Generic[Slot]):
    """Fills slots with batches and leads each through all stages; a slot is filled again when all are done with it.

    No stage runs twice at the same time, and neither does the filling, so the state of each needs no lock.
    """

    def __init__(
        self,
        *,
        make_slot: Callable[[], Slot],
        fill: Callable[[Slot], bool],
        stages: Sequence[Stage[Slot]],
        depth: int = 4,
    ) -> None:
        """Use at most `depth` slots; `fill` returns whether more batches may follow."""
        self._make_slot = make_slot
        self._fill = fill
        self._stages = stages
        self._after = [_FILL] + [1 + stages.index(stage.after) if stage.after else _FILL for stage in stages]
        self._done = [0] * (1 + len(stages))
        self._busy = [False] * (1 + len(stages))
        self._end = _UNKNOWN
        self._depth = depth
        self._slots: list[Slot] = []
        self._stopped = False
        self._changed = threading.Condition()

    def run(self, workers: int) -> None:
        """Do it all with `workers` threads, the caller's among them; a single batch takes no other thread.

        Raises what the first failing stage raised, after all threads have ended; a worker that is reading ends with
        its read.
        """
        self._perform(_FILL)
        if workers == 1 or self._end != _UNKNOWN:
            self._depth = 1  # one thread gains nothing from more slots, and one stays in the cache
            self._work()
            return
        with ThreadPoolExecutor(workers - 1, thread_name_prefix="pipeline") as pool:
            others = [pool.submit(self._work) for _ in range(workers - 1)]
            self._work()
            for other in others:
                other.result()

    def _work(self) -> None:
        try:
            while (stage := self._take()) is not None:
                self._perform(stage)
        finally:
            with self._changed:
                self._stopped = True
                self._changed.notify_all()

    def _take(self) -> int | None:
        """Wait for a stage that is ready and reserve it; None when all is done or another worker has failed."""
        with self._changed:
            while not self._stopped and min(self._done) < self._end:
                stage = self._ready()
                if stage is not None:
                    self._busy[stage] = True
                    return stage
                self._changed.wait()
        return None

    def _ready(self) -> int | None:
        for stage in range(len(self._stages), _FILL, -1):
            if not self._busy[stage] and self._done[stage] < self._done[self._after[stage]]:
                return stage
        filled = self._done[_FILL]
        room = filled < self._end and filled - min(self._done[1:]) < self._depth
        return _FILL if room and not self._busy[_FILL] else None

    def _perform(self, stage: int) -> None:
        slot = self._slot(self._done[stage])
        more = True
        if stage == _FILL:
            more = self._fill(slot)
        else:
            self._stages[stage - 1].work(slot)
        with self._changed:
            self._busy[stage] = False
            self._done[stage] += 1
            if not more:
                self._end = self._done[_FILL]
            self._changed.notify_all()

    def _slot(self, batch: int) -> Slot:
        """Return the slot of a batch; only filling makes new ones, so a small file takes the memory of one."""
        index = batch % self._depth
        if index == len(self._slots):
            self._slots.append(self._make_slot())
        return self._slots[index]
