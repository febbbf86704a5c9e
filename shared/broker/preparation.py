"""What a service writes down once, before its first delivery."""

from shared.broker.committer import Committer
from shared.broker.unit import Unit


class Preparation:
    """Commits a unit when it is started; the parts after it can rely on it."""

    def __init__(self, committer: Committer, unit: Unit) -> None:
        self._committer = committer
        self._unit = unit
        self.alive = True

    def start(self) -> None:
        self._committer.commit(self._unit)

    def stop(self) -> None:
        """Nothing to stop: it was done at the start."""
