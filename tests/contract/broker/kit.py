"""What the promises need: a place where nodes run, messages as others send them, handlers that note what they get."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from shared.broker.commit import Routing, UnitWriter
from shared.broker.delivery import Delivery
from shared.broker.node import Node
from shared.broker.runner import Handler, Runner
from shared.broker.unit import Unit
from shared.database.engine import Database
from shared.database.queue_tables import dead_letters, outgoing
from shared.database.records import File, file_by_id
from shared.database.states import FileState
from shared.database.tables import events
from shared.database.types import now
from shared.identifiers import FileId, new_file_id
from shared.lifecycle import running
from tests.stack.rows import FILE_ROW

SERVICE = "test"
FLOW: dict[str, Any] = {"not_yet_seconds": (0.1, 0.2), "transient_seconds": (0.1, 0.3), "workers": 2, "prefetch": 8}


def eventually(holds: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait until something holds, with a deadline."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not come to hold in time"
        time.sleep(0.01)


def wait(event: threading.Event, seconds: float = 15.0) -> None:
    """Wait for an event, with a deadline."""
    assert event.wait(seconds), "did not happen in time"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A queue and the handler of its deliveries."""

    handler: Handler
    queue: str = "ingest"
    workers: int | None = None


class Flow(ABC):
    """A database, and a broker if there is one, on which nodes are started and stopped."""

    routing: Routing

    def __init__(self, database: Database) -> None:
        self.database = database

    @abstractmethod
    def node(self, **flow: Any) -> Any:
        """Return a context manager that yields a node, not yet started."""

    @abstractmethod
    def publish(self, queue: str, body: bytes, correlation_id: str | None = None) -> None:
        """Put a message into a queue, as another process does."""

    @abstractmethod
    def backlog(self, queue: str) -> int:
        """Return how many messages wait in a queue while nobody consumes it."""

    @contextmanager
    def runners(self, *jobs: Job, **flow: Any) -> Iterator[list[Runner]]:
        """Run a node with these jobs."""
        with ExitStack() as stack:
            node: Node = stack.enter_context(self.node(**{**FLOW, **flow}))
            made = [node.runner(SERVICE, job.queue, job.handler, workers=job.workers) for job in jobs]
            stack.enter_context(running([*node.parts, *made]))
            eventually(lambda: all(runner.connected for runner in made))
            yield made

    def commit(self, unit: Unit) -> None:
        """Commit a unit, as another process does."""
        UnitWriter(self.database, self.routing).write([unit])

    def register(self, state: FileState = FileState.UPLOADED) -> File:
        """Make a file."""
        file, unit = new_file(state), Unit(SERVICE)
        unit.add(FILE_ROW, **vars(file))
        self.commit(unit)
        return file

    def file(self, file_id: FileId) -> File:
        with self.database.read() as connection:
            found = file_by_id(connection, file_id)
        assert found is not None
        return found

    def happened(self, file: File) -> list[str]:
        """Return the events of a file in their order."""
        with self.database.read() as connection:
            query = select(events.c.event).where(events.c.file_id == file.id).order_by(events.c.id)
            return list(connection.scalars(query))

    def dead(self) -> Sequence[Any]:
        """Return the dead letters."""
        with self.database.read() as connection:
            return connection.execute(select(dead_letters).order_by(dead_letters.c.id)).all()

    def owed(self) -> int:
        """Return how many messages are in the table `outgoing`."""
        with self.database.read() as connection:
            return connection.scalar(select(func.count()).select_from(outgoing)) or 0


def new_file(state: FileState) -> File:
    at, file_id = now(), new_file_id()
    names = [name for name in File.__dataclass_fields__ if name not in {"id", "user", "path", "state"}]
    values = {**dict.fromkeys(names), "registered_at": at, "changed_at": at}
    return File(id=file_id, user="ann", path=f"{file_id}.c4gh", state=state, **values)  # type: ignore[arg-type]


@dataclass
class Note:
    """What a handler saw of one delivery, and when."""

    delivery: Delivery
    at: float = field(default_factory=time.monotonic)

    @property
    def body(self) -> str:
        return self.delivery.text

    @property
    def attempt(self) -> int:
        return self.delivery.attempt

    @property
    def first_seen(self) -> datetime:
        return self.delivery.first_seen


class Noting:
    """A handler that notes its deliveries, then does what `act` does."""

    def __init__(self, act: Handler = lambda _delivery, _unit: None) -> None:
        self.notes: list[Note] = []
        self._act = act

    def __call__(self, delivery: Delivery, unit: Unit) -> None:
        self.notes.append(Note(delivery))
        self._act(delivery, unit)

    @property
    def bodies(self) -> list[str]:
        return [note.body for note in self.notes]


def acting_on(file: File) -> Noting:
    """Return a handler that records an event called like the body of the message."""
    return Noting(lambda delivery, unit: unit.event(file.id, delivery.text))


def raising(*errors: Exception) -> Noting:
    """Return a handler that raises these errors, one for each delivery, and then none."""
    left = list(errors)

    def act(_delivery: Delivery, _unit: Unit) -> None:
        if left:
            raise left.pop(0)

    return Noting(act)
