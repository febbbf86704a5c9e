"""What a benchmark measures: things side by side, several times in turn, as ratios with their spread."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self, TypeVar

from shared.crypto.segments import SEGMENT

Taken = TypeVar("Taken")

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
FILES = int(os.environ.get("BENCH_FILES", "500"))
BYTES = int(os.environ.get("BENCH_BYTES", str(2 << 30))) // SEGMENT * SEGMENT
"""Plaintext of the large file."""
TRANSFER = min(BYTES, 512 << 20)
"""Plaintext of a file that is only sent from one place to another."""


@dataclass(frozen=True)
class Spread:
    """What several repetitions gave."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Sum up one value or more."""
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """Something of ours by what stands beside it in the same round; `target` is the least it should be.

    With `at_most` the target is the most that it should be: a time or a cost, not a rate.
    """

    name: str
    spread: Spread
    target: float | None = None
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the target, if there is one."""
        return _met(self.spread.median, self.target, at_most=self.at_most)


@dataclass(frozen=True, kw_only=True)
class Amount:
    """Something measured, with its unit; it holds for the machine of the run alone, unless it is a count.

    `limit` is the most that it should be.
    """

    name: str
    unit: str
    spread: Spread
    limit: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the median keeps the limit, if there is one."""
        return _met(self.spread.median, self.limit, at_most=True)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a benchmark gives: a title, a paragraph on what was measured and how, and the figures."""

    title: str
    method: str
    ratios: Sequence[Ratio] = ()
    amounts: Sequence[Amount] = ()


def rounds(contenders: Mapping[str, Callable[[], Taken]], count: int = ROUNDS) -> dict[str, list[Taken]]:
    """Let contenders take turns, every second round in the reverse order, so that drift of the machine meets all."""
    taken: dict[str, list[Taken]] = {name: [] for name in contenders}
    for number in range(count):
        order = list(contenders)
        for name in order if number % 2 == 0 else reversed(order):
            taken[name].append(contenders[name]())
    return taken


def quotients(ours: Sequence[float], beside: Sequence[float]) -> Spread:
    """Divide round by round."""
    return Spread.of([one / other for one, other in zip(ours, beside, strict=True)])


def seconds(work: Callable[[], object]) -> float:
    """Do something, and return how long it took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _met(value: float, target: float | None, *, at_most: bool) -> bool | None:
    if target is None:
        return None
    return value <= target if at_most else value >= target
