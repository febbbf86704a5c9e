"""The unit of work: what a use case did, written down so that the runner can commit it in one transaction."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.database.records import ChecksumSource, File
from shared.database.statements import (
    CHECKSUM_RECORD,
    DATASET_EVENT,
    DATASET_MOVE,
    EVENT,
    FACTS,
    FILE_FAULT,
    FILE_MOVE,
    SEND,
    Statement,
)
from shared.database.states import (
    DatasetState,
    FileState,
    check_dataset_transition,
    check_file_transition,
)
from shared.database.types import now
from shared.identifiers import DatasetId, FileId, MessageId, new_message_id
from shared.messages.base import Message


@dataclass(frozen=True)
class Lease:
    """The right to work on a file for as long as it is renewed (shared/broker/leases.py)."""

    name: str
    token: str


@dataclass(frozen=True)
class Origin:
    """The delivery that a unit decides: its queue, and the ids under which it is known when it was handled."""

    queue: str
    message: MessageId
    attempt: MessageId


@dataclass(frozen=True)
class Effect:
    """One row's part in a statement."""

    statement: Statement
    values: Mapping[str, Any]


@dataclass
class Unit:
    """Knows three verbs: move (a state, compare-and-set), record (what happened), send (a message).

    It holds no connection and no transaction; nothing is done until the runner commits it.
    `file` is the file that the delivery is about, once the use case has found it: a refusal is noted there.
    With a `lease` its commit is conditional on it; `origin` is what the lease itself is conditional on.
    """

    service: str
    file: File | None = None
    lease: Lease | None = None
    origin: Origin | None = None
    at: datetime = field(default_factory=now)
    effects: list[Effect] = field(default_factory=list)

    @property
    def addressed(self) -> Iterator[str]:
        """Names of the queues, or the routing keys, of the messages that it sends."""
        return (
            effect.values["queue"] or effect.values["routing_key"]
            for effect in self.effects
            if effect.statement is SEND
        )

    def add(self, statement: Statement, **values: Any) -> None:  # noqa: ANN401 - column values
        """Add a row to any statement."""
        self.effects.append(Effect(statement, values))

    def move(self, file: File, to: FileState, *, reason: str | None = None, **facts: Any) -> None:  # noqa: ANN401
        """Move a file from the state it was read in, fill in columns, and record the event."""
        check_file_transition(file.state, to)
        assert facts.keys() <= FACTS, facts.keys() - FACTS
        new = {name: facts.get(name) for name in FACTS}
        step = {"was": file.state.value, "to_state": to.value, "seen": file.changed_at, "at": self.at}
        self.add(FILE_MOVE, file=file.id, reason=reason, **step, **new)
        self.event(file.id, to.value, reason=reason)

    def move_dataset(self, dataset: DatasetId, was: DatasetState, to: DatasetState) -> None:
        """Move a dataset and record the event."""
        check_dataset_transition(was, to)
        self.add(DATASET_MOVE, dataset=dataset, was=was.value, to=to.value, at=self.at)
        self.dataset_event(dataset, to.value)

    def event(self, file: FileId, event: str, *, reason: str | None = None) -> None:
        """Record that something happened to a file."""
        self.add(EVENT, file_id=file, event=event, service=self.service, reason=reason, at=self.at)

    def dataset_event(self, dataset: DatasetId, event: str) -> None:
        """Record that something happened to a dataset."""
        self.add(DATASET_EVENT, dataset_id=dataset, event=event, service=self.service, at=self.at)

    def fault(self, file: File, reason: str) -> None:
        """Record that something was refused, without taking the file out of its state."""
        self.add(FILE_FAULT, file=file.id, reason=reason)
        self.event(file.id, FileState.ERROR.value, reason=reason)

    def checksums(self, file: FileId, source: ChecksumSource, digests: Mapping[str, str]) -> None:
        """Record checksums of a file; a later one of the same source and algorithm replaces the earlier."""
        for algorithm, value in digests.items():
            self.add(CHECKSUM_RECORD, file_id=file, source=source.value, algorithm=algorithm, value=value)

    def send(self, message: Message, correlation_id: str | None) -> None:
        """Send a message on the exchange, in the same transaction as everything else here."""
        self.send_raw(message.routing_key, message.body(), correlation_id)

    def send_raw(
        self,
        routing_key: str,
        body: str,
        correlation_id: str | None,
        *,
        queue: str | None = None,
        message_id: MessageId | None = None,
        due: datetime | None = None,
        attempt: int = 0,
        first_seen: datetime | None = None,
    ) -> None:
        """Send a body as it is; `queue` addresses one queue alone, `due` puts it off (design, section 4)."""
        self.add(
            SEND,
            routing_key=routing_key,
            queue=queue,
            body=body,
            correlation_id=correlation_id,
            message_id=message_id or new_message_id(),
            due=due or self.at,
            attempt=attempt,
            first_seen=first_seen or self.at,
        )
