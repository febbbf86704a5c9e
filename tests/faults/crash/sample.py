"""Which of all points are covered where there is no time for all of them."""

import os
from collections.abc import Sequence
from random import Random, SystemRandom

from tests.faults.crash.task import Point

EVERY = 12


def sample(points: Sequence[Point]) -> tuple[Sequence[Point], int]:
    """Return every twelfth point from a beginning that changes with a seed, and the seed; all with `FAULTS=all`.

    `FAULTS_SEED` gives the seed of an earlier run.
    """
    seed = int(os.environ.get("FAULTS_SEED") or SystemRandom().randrange(1_000_000))
    if os.environ.get("FAULTS") == "all":
        return points, seed
    return points[Random(seed).randrange(EVERY) :: EVERY], seed
