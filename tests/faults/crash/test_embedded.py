"""Embedded: whichever effect the process ends at, what is left in the end is what a run without faults leaves."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.crash import report
from tests.faults.crash.driving import cover, refer
from tests.faults.crash.embedded_world import EmbeddedWorld
from tests.faults.crash.nursery import Nursery
from tests.faults.crash.stories import STORIES


@pytest.fixture(params=STORIES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> EmbeddedWorld:
    return EmbeddedWorld(tmp_path, STORIES[request.param])


def test_crash_at_any_effect_changes_nothing(
    world: EmbeddedWorld, nursery: Nursery, record_property: Callable[[str, object], None]
) -> None:
    reference = refer(world, nursery)
    covered = cover(world, nursery, reference, reference.points)
    record_property(report.POINTS, covered)
    assert covered >= len(reference.points) * 0.9
