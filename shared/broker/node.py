"""What every service stands on: database, commits, leases and deliveries."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from shared.broker.committer import Committer
from shared.broker.delivery import Source
from shared.broker.intake import Load
from shared.broker.leases import LeaseKeeper
from shared.broker.runner import Handler, Runner, nothing
from shared.broker.settings import FlowSettings
from shared.database.engine import Database
from shared.lifecycle import Part

Check = Callable[[], None]
"""Asks a server; raises an error of shared/errors.py when it does not answer."""


@dataclass(frozen=True)
class Assembly:
    """A service put together: its parts in the order in which they start, and what it needs to be ready."""

    parts: Sequence[Part]
    checks: Mapping[str, Check]


@dataclass(frozen=True)
class Node:
    """The ground of a process; `parts` are to be started before, and stopped after, those of the services."""

    database: Database
    committer: Committer
    leases: LeaseKeeper
    source: Callable[[str], Source]
    flow: FlowSettings
    parts: Sequence[Part]
    checks: Mapping[str, Check]
    has_broker: bool

    def runner(
        self, service: str, queue: str, handler: Handler, *, load: Load = nothing, workers: int | None = None
    ) -> Runner:
        """Make a runner for a queue; call it before the node is started. `load` finds out what the handler needs."""
        return Runner(
            service=service,
            source=self.source(queue),
            handler=handler,
            load=load,
            database=self.database,
            committer=self.committer,
            leases=self.leases,
            patience=self.flow.patience,
            workers=workers or self.flow.workers,
        )
