"""Which of all points are covered where there is no time for all of them."""

import os
from collections.abc import Sequence
from random import Random

from tests.faults.crash.task import Point

EVERY = 12


def sample(points: Sequence[Point], seed: int) -> Sequence[Point]:
    """Return every twelfth point from a beginning that changes with a seed; all with `FAULTS=all`."""
    if os.environ.get("FAULTS") == "all":
        return points
    return points[Random(seed).randrange(EVERY) :: EVERY]
