"""Stages of work on successive batches, shared by a few threads that are never idle while a stage is ready.

Each worker takes the last stage that is ready, so batches leave as fast as they can and two workers keep two cores
busy; a fixed share of the stages for each thread would wait for its slower half. Filling alone has a thread of its own,
so that a store is read while the cores are at work.
"""

import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.crypto.cores import Cores

Slot = TypeVar("Slot")

_UNKNOWN = sys.maxsize
_FILL = 0
_FILLING = (_FILL,)


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
        depth: int = 3,
    ) -> None:
        """Use at most `depth` slots; `fill` returns whether more batches may follow."""
        self._make_slot = make_slot
        self._fill = fill
        self._stages = stages
        self._after = [_FILL] + [1 + stages.index(stage.after) if stage.after else _FILL for stage in stages]
        self._latest_first = range(len(stages), _FILL, -1)
        self._done = [0] * (1 + len(stages))
        self._busy = [False] * (1 + len(stages))
        self._end = _UNKNOWN
        self._depth = depth
        self._slots: list[Slot] = []
        self._stopped = False
        lock = threading.Lock()
        self._slot_free = threading.Condition(lock)
        self._stage_ready = threading.Condition(lock)
        """Apart, so that the reading thread sleeps while no slot is free: to be woken for nothing costs 5 %."""

    def run(self, cores: Cores | None = None) -> None:
        """Do it all, in the caller's thread alone without `cores`, and with a single batch.

        With `cores`, of which the caller has one, another thread reads ahead, and helpers join in on the cores that no
        file wants. Raises what the first failing stage raised, after all threads have ended: the reading one with its
        read.
        """
        self._perform(_FILL)
        if cores is None or self._end != _UNKNOWN:
            self._depth = 1  # one thread gains nothing from more slots, and one stays in the cache
            self._work([*self._latest_first, _FILL])
            return
        helpers = min(cores.count, len(self._stages)) - 1
        with ThreadPoolExecutor(1 + helpers, thread_name_prefix="pipeline") as pool:
            others = [pool.submit(self._work, _FILLING)]
            others += [pool.submit(self._help, cores) for _ in range(helpers)]
            try:
                self._work(self._latest_first)
            finally:
                cores.wake()
            for other in others:
                other.result()

    def _help(self, cores: Cores) -> None:
        while not self._is_over():
            with cores.for_helper(self._is_over) as lent:
                if lent:
                    self._work(self._latest_first, leave=lambda: cores.wanted)

    def _work(self, stages: Sequence[int], leave: Callable[[], bool] = lambda: False) -> None:
        """Do what is ready of these stages until all is done, another worker has failed, or it is time to leave."""
        try:
            while (stage := self._take(stages, leave)) is not None:
                self._perform(stage)
        except BaseException:
            with self._stage_ready:
                self._stopped = True
                self._wake_all()
            raise

    def _take(self, stages: Sequence[int], leave: Callable[[], bool]) -> int | None:
        """Wait for a stage that is ready and reserve it; None when there is no more to do."""
        with self._stage_ready:
            while not self._is_over() and not leave():
                stage = next(filter(self._is_ready, stages), None)
                if stage is not None:
                    self._busy[stage] = True
                    return stage
                (self._slot_free if stages == _FILLING else self._stage_ready).wait()
        return None

    def _is_over(self) -> bool:
        return self._stopped or min(self._done) >= self._end

    def _is_ready(self, stage: int) -> bool:
        if self._busy[stage]:
            return False
        if stage != _FILL:
            return self._done[stage] < self._done[self._after[stage]]
        return self._done[_FILL] < self._end and self._is_slot_free()

    def _is_slot_free(self) -> bool:
        return self._done[_FILL] - min(self._done[1:]) < self._depth

    def _perform(self, stage: int) -> None:
        slot = self._slot(self._done[stage])
        more = True
        if stage == _FILL:
            more = self._fill(slot)
        else:
            self._stages[stage - 1].work(slot)
        with self._stage_ready:
            self._busy[stage] = False
            self._done[stage] += 1
            if not more:
                self._end = self._done[_FILL]
            self._tell()

    def _tell(self) -> None:
        """Wake those for whom there may be something to do."""
        if self._is_over():
            self._wake_all()
            return
        self._stage_ready.notify_all()
        if self._is_slot_free():
            self._slot_free.notify()

    def _wake_all(self) -> None:
        self._stage_ready.notify_all()
        self._slot_free.notify_all()

    def _slot(self, batch: int) -> Slot:
        """Return the slot of a batch; only filling makes new ones, so a small file takes the memory of one."""
        index = batch % self._depth
        if index == len(self._slots):
            self._slots.append(self._make_slot())
        return self._slots[index]
