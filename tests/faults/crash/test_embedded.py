"""Embedded: whichever effect the process ends at, what is left in the end is what a run without faults leaves."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.crash.driving import cover, refer
from tests.faults.crash.embedded_world import EmbeddedWorld
from tests.faults.crash.nursery import Nursery
from tests.faults.crash.stories import STORIES


@pytest.mark.parametrize("name", STORIES)
def test_crash_at_any_effect_changes_nothing(
    name: str, nursery: Nursery, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    world = EmbeddedWorld(tmp_path, STORIES[name])
    reference = refer(world, nursery)
    covered = cover(world, nursery, reference, reference.points)
    record_property("crash points", covered)
    assert covered >= len(reference.points) // 2
