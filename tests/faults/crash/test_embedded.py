"""Embedded: whichever effect the process ends at, what is left in the end is what a run without faults leaves."""

from pathlib import Path

import pytest

from tests.faults.crash.driving import cover, refer
from tests.faults.crash.embedded_world import EmbeddedWorld
from tests.faults.crash.nursery import Nursery
from tests.faults.crash.stories import STORIES
from tests.faults.figures import Count


@pytest.fixture(params=STORIES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> EmbeddedWorld:
    return EmbeddedWorld(tmp_path, STORIES[request.param])


def test_crash_at_any_effect_changes_nothing(world: EmbeddedWorld, nursery: Nursery, count: Count) -> None:
    reference = refer(world, nursery)
    covered = cover(world, nursery, reference, reference.points)
    count("crash points, embedded", covered)
    assert covered >= len(reference.points) * 0.9
