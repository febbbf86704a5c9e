"""Real: whichever effect the process ends at, what is left in the end is what a run without faults leaves."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.crash import report
from tests.faults.crash.driving import cover, refer
from tests.faults.crash.nursery import Nursery
from tests.faults.crash.real_world import RealWorld
from tests.faults.crash.sample import sample
from tests.faults.crash.stories import STORIES
from tests.stack.node.ground import Servers


@pytest.fixture(params=STORIES)
def world(
    request: pytest.FixtureRequest, tmp_path: Path, servers: Servers, migrated_template: str
) -> Iterator[RealWorld]:
    with RealWorld(tmp_path, STORIES[request.param], servers, migrated_template) as world:
        yield world


def test_crash_at_any_effect_changes_nothing(
    world: RealWorld, nursery: Nursery, seed: int, record_property: Callable[[str, object], None]
) -> None:
    reference = refer(world, nursery)
    points = sample(reference.points, seed)
    covered = cover(world, nursery, reference, points)
    record_property(report.SEED, seed)
    record_property(report.POINTS, covered)
    assert covered >= len(points) // 2
