"""Real: whichever effect the process ends at, what is left in the end is what a run without faults leaves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.crash.driving import cover, refer
from tests.faults.crash.nursery import Nursery
from tests.faults.crash.real_world import RealWorld
from tests.faults.crash.sample import sample
from tests.faults.crash.stories import STORIES
from tests.faults.figures import Count
from tests.stack.node.ground import Servers


@pytest.fixture(params=STORIES)
def world(
    request: pytest.FixtureRequest, tmp_path: Path, servers: Servers, migrated_template: str
) -> Iterator[RealWorld]:
    with RealWorld(tmp_path, STORIES[request.param], servers, migrated_template) as world:
        yield world


def test_crash_at_any_effect_changes_nothing(world: RealWorld, nursery: Nursery, seed: int, count: Count) -> None:
    reference = refer(world, nursery)
    points = sample(reference.points, seed)
    covered = cover(world, nursery, reference, points)
    print(f"the points were drawn with FAULTS_SEED={seed}")  # noqa: T201
    count("crash points, real stack", covered)
    assert covered >= len(points) // 2
