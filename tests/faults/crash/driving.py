"""Runs a story again and again, with the process ended at another effect each time, and compares what remains."""

import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.faults.crash.effects import CRASHED
from tests.faults.crash.nursery import Node, Nursery
from tests.faults.crash.picture import Picture
from tests.faults.crash.task import Point
from tests.faults.crash.world import World

SECONDS = 60.0
ATTEMPTS = 3
"""Runs of a story for one point: threads may do a little more or less each time, so the last ones may not be met."""


@dataclass(frozen=True)
class Reference:
    """What a run without crash does and leaves."""

    effects: tuple[str, ...]
    picture: Picture

    @property
    def points(self) -> list[Point]:
        return [Point(number, side) for number in range(1, len(self.effects) + 1) for side in ("before", "after")]


class Run:
    """One run of a story."""

    def __init__(self, world: World, nursery: Nursery, point: Point | None) -> None:
        self._world = world
        self._nursery = nursery
        self._point = point
        self.crashed = False

    def __call__(self) -> None:
        """Go through the story to its end, and start the node again when it has crashed."""
        self._world.begin()
        self._world.output.write_text("")
        self._node = self._start(self._point)
        for step in self._world.story.steps:
            self._world.send(step)
            self._until_quiet()
        self._stop()

    def _start(self, point: Point | None) -> Node:
        resumes = self._point is not None and self._point.side == "after"
        return self._nursery.start(self._world.task(point, resumes=resumes))

    def _until_quiet(self) -> None:
        deadline = time.monotonic() + SECONDS
        while not self._world.quiet():
            assert time.monotonic() < deadline, f"not quiet in time\n{self._output()}"
            if self._node.code() is not None:
                self._start_again()
            time.sleep(0.005)

    def _stop(self) -> None:
        """Stop the node, and start it again while there is something left for it."""
        deadline = time.monotonic() + SECONDS
        while (code := self._node.stop(self._how())) == CRASHED or not self._world.check_queues():
            assert time.monotonic() < deadline, f"something is left in the queues\n{self._output()}"
            if code == CRASHED:
                self._start_again()
            else:
                self._node = self._start(None)
            self._until_quiet()
        # a node that is asked before it listens just ends
        assert code in {0, -signal.SIGTERM, -signal.SIGKILL}, self._output()

    def _how(self) -> signal.Signals:
        """Let a node go in the orderly way if it has effects to come, or deliveries to settle."""
        return signal.SIGTERM if self._world.broker_url or not self.crashed else signal.SIGKILL

    def _start_again(self) -> None:
        assert self._node.code() == CRASHED, self._output()
        assert not self.crashed, self._output()
        self.crashed = True
        assert self._point is not None
        if self._point.side == "before" or self._point.number % 4:
            self._world.end_leases()
        if self._point.side == "before":
            self._world.age_uploads()
        self._node = self._start(None)

    def _output(self) -> str:
        return self._world.output.read_text()[-10_000:]


def refer(world: World, nursery: Nursery) -> Reference:
    """Run the story without a crash."""
    Run(world, nursery, None)()
    return Reference(tuple(world.log.read_text().splitlines()), world.picture())


def cover(world: World, nursery: Nursery, reference: Reference, points: Iterable[Point]) -> int:
    """Crash at each of these points, and check that all of them leave the same; return how many were met."""
    return sum(_cover_one(world, nursery, reference, point) for point in points)


def _cover_one(world: World, nursery: Nursery, reference: Reference, point: Point) -> bool:
    for _ in range(ATTEMPTS):
        run = Run(world, nursery, point)
        run()
        left = differences(reference.picture, world.picture())
        what = f"{point.side} effect {point.number} ({reference.effects[point.number - 1]})"
        assert not left, f"after a crash {what}: {left}\n{world.output.read_text()[-5000:]}"
        if run.crashed:
            return True
    return False


def differences(expected: Picture, found: Picture) -> dict[str, Any]:
    """Return what is not as it should be: what was expected, and what was found."""
    return {
        name: {"expected": expected[name], "found": found[name]} for name in expected if expected[name] != found[name]
    }
