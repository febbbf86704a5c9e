"""An embedded node that does one thing at a time, when it is told to: every order of events can be tried."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partialmethod
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import select

from services.cli import registry
from services.inbox.inbox import Inbox
from services.inbox.open_uploads import OpenUploads
from shared.broker.commit import UnitWriter, to_local_queue
from shared.broker.committer import Committer
from shared.broker.delivery import Delivery
from shared.broker.embedded import Bell, EmbeddedSource, _delivery
from shared.broker.leases import LeaseKeeper
from shared.broker.node import Node
from shared.broker.outcomes import Outcome
from shared.broker.preparation import Preparation
from shared.broker.runner import Runner
from shared.broker.settings import FlowSettings
from shared.broker.unit import Effect, Unit
from shared.database.engine import Conflict, Database, DatabaseAway
from shared.database.queue_tables import outgoing
from shared.settings import Settings
from shared.storage.directory import DirectoryStore
from tests.faults.model.contents import LARGE

SERVICES = ("intercept", "ingest", "verify", "finalize", "mapper", "orchestrate")
STORES = ("inbox", "archive", "backup")
_REQUESTS = ("put", "open", "stat", "delete", "copy_range")


class Killed(BaseException):
    """The process ends at this instruction."""


class StepCommitter(Committer):
    """Commits in the thread that asks for it, and at once."""

    database_away = False

    def submit(self, unit: Unit, *, breathes: bool = False) -> "Future[None]":
        done: Future[None] = Future()
        try:
            self.commit(unit)
        except (Conflict, DatabaseAway) as error:
            done.set_exception(error)
        else:
            done.set_result(None)
        return done

    def commit(self, unit: Unit) -> None:
        if self.database_away:
            raise DatabaseAway("as the test wants it")
        self._writer.write([unit])


@dataclass
class Decided:
    """A delivery that a worker has decided and not yet committed."""

    runner: Runner
    delivery: Delivery
    outcome: Outcome
    unit: Unit


class SteppedNode:
    """All services of the pipeline, without threads. `settings` are those of the services by name."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self._folder = folder
        self._settings = settings
        self._requests_left: int | None = None
        self.stores = {name: DirectoryStore(folder / name, name=name) for name in STORES}
        self._start()

    @property
    def inbox(self) -> Inbox:
        return Inbox(self.database, self._committer, self.stores["inbox"], OpenUploads(64))

    def restart(self) -> None:
        """Forget all that is not on disk, as a process that is killed and started again."""
        self.close()
        self._start()

    def _start(self) -> None:
        self._requests_left = None
        self.database = Database(f"sqlite:///{self._folder / 'strongroom.db'}")
        self._bell = Bell()
        self._committer = StepCommitter(UnitWriter(self.database, _with_all_queues), on_commit=self._bell.ring)
        self._sources: dict[str, EmbeddedSource] = {}
        self._runners: dict[str, Runner] = {}
        node = self._node()
        for service in SERVICES:
            for part in self._assembled(service, node):
                if isinstance(part, Preparation):
                    part.start()
                else:
                    self._runners[part._source.queue] = part
        for source in self._sources.values():
            source.start()

    def close(self) -> None:
        self.database.close()

    def commit(self, unit: Unit) -> None:
        """Commit a unit of somebody else."""
        self._committer.commit(unit)

    # ---- the steps of a delivery

    def deliver(self, row: int) -> Decided:
        """Take a row of `outgoing`, due or not, and let its service decide; raises Killed."""
        with self.database.read() as connection:
            found = connection.execute(select(outgoing).where(outgoing.c.id == row)).one()
        source = self._sources[found.queue]
        return self.decide(_delivery(found, redelivered=source._may_have_been_taken(row)))

    def decide(self, delivery: Delivery) -> Decided:
        """Let a service decide a delivery; raises Killed."""
        runner = self._runners[delivery.queue]
        unit, outcome = runner._decide(runner._intake.look(delivery), Unit(runner._service))
        return Decided(runner, delivery, outcome, unit)

    def settle(self, decided: Decided) -> Delivery | None:
        """Commit; after a lost race return the delivery that is to be decided anew."""
        decided.runner._commit(decided.delivery, decided.unit, decided.outcome)
        again = decided.runner._intake.next(0)
        return None if again is None else again.delivery

    def lose(self, decided: Decided) -> None:
        """Try to commit while the database is away."""
        self._committer.database_away = True
        decided.runner._commit(decided.delivery, decided.unit, decided.outcome)
        self._committer.database_away = False

    @contextmanager
    def dying(self, requests: int) -> Iterator[None]:
        """The process is killed when it makes one more request to a store than these."""
        self._requests_left = requests
        with _counted(self._count):
            yield
        self._requests_left = None

    def _count(self) -> None:
        if self._requests_left is not None:
            self._requests_left -= 1
            if self._requests_left < 0:
                raise Killed

    # ---- putting it together

    def _node(self) -> Node:
        return Node(
            database=self.database,
            committer=self._committer,
            leases=LeaseKeeper(self._committer),
            source=self._source,
            flow=FlowSettings(workers=1),
            parts=(),
            has_broker=False,
            checks={},
        )

    def _source(self, queue: str) -> EmbeddedSource:
        return self._sources.setdefault(queue, EmbeddedSource(self.database, queue, self._bell, prefetch=1))

    def _assembled(self, service: str, node: Node) -> list[Any]:
        kind: type[Settings] = registry.settings_of(service)
        values = {name: value for name, value in self._settings.items() if name in kind.model_fields}
        return list(registry.assemble(service, node, kind(**values)).parts)


def _with_all_queues(effect: Effect) -> Effect:
    """Keep what is for Central EGA as well, in queues that nobody consumes."""
    local = to_local_queue(effect)
    return local or Effect(effect.statement, {**effect.values, "queue": effect.values["routing_key"]})


@contextmanager
def _counted(count: Any) -> Iterator[None]:
    """Call `count` before every request to a store."""

    def counting(store: DirectoryStore, request: Any, *arguments: Any, **named: Any) -> Any:
        count()
        return request(store, *arguments, **named)

    wrapped: dict[str, Any] = {name: partialmethod(counting, getattr(DirectoryStore, name)) for name in _REQUESTS}
    with patch.multiple(DirectoryStore, **wrapped):
        yield


@contextmanager
def small_is_large() -> Iterator[None]:
    """Let files of some bytes count as large, so that work on them takes leases."""
    modules = ("services.ingest.ingest", "services.verify.verify", "services.finalize.finalize")
    with patch(f"{modules[0]}.LARGE", LARGE), patch(f"{modules[1]}.LARGE", LARGE), patch(f"{modules[2]}.LARGE", LARGE):
        yield
