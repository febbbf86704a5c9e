"""How much is done: a short form for every run of the suite, all of it with FAULTS=all."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Figures of a run; `outage` and `kills` are seconds."""

    files: int = 40
    replicas: int = 2
    restarts: int = 2
    kills: int = 10
    rounds: int = 3
    outage: float = 2
    patience: float = 120


FULL = Scale(files=200, replicas=3, restarts=15, kills=60, rounds=40, outage=10, patience=600)


def chosen_scale() -> Scale:
    return FULL if os.environ.get("FAULTS") == "all" else Scale()
