"""Wait until the services have done what they were asked for."""

import time
from collections.abc import Callable, Collection
from datetime import timedelta

from services.cli.file_queries import Mark, Progress, progress
from shared.database.engine import Database
from shared.errors import StrongroomError
from shared.identifiers import FileId

_SHORTEST, _LONGEST = 0.1, 2.0
"""Seconds between two looks; they grow, since what took long takes longer."""

Reached = Callable[[Progress], bool]


class StillWaiting(StrongroomError):
    """The time to wait is over, and the services go on."""


def wait_for(
    database: Database, files: Collection[FileId], since: Mark, reached: Reached, patience: timedelta
) -> dict[FileId, Progress]:
    """Return how each file came out: it reached its goal, or was refused. Raises StillWaiting."""
    outcomes: dict[FileId, Progress] = {}
    end, pause = time.monotonic() + patience.total_seconds(), _SHORTEST
    while True:
        outcomes |= _settled(database, [file for file in files if file not in outcomes], since, reached)
        left = end - time.monotonic()
        if len(outcomes) == len(files):
            return outcomes
        if left <= 0:
            late = len(files) - len(outcomes)
            raise StillWaiting(
                f"{late} of {len(files)} files are not done yet; strongroom files list shows their state"
            )
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST)


def _settled(database: Database, waiting: list[FileId], since: Mark, reached: Reached) -> dict[FileId, Progress]:
    with database.read() as connection:
        found = progress(connection, waiting, since)
    return {one.id: one for one in found if reached(one) or one.refused is not None}
