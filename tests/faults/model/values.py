"""Messages, files and decisions as the model sees them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from shared.broker.outcomes import Outcome
from shared.database.states import FileState
from shared.identifiers import user_prefix, wire_path
from tests.faults.model.contents import USER, Content


@dataclass(frozen=True)
class Message:
    """A message in a queue; two are alike if a reader of the queue can't tell them apart."""

    queue: str
    kind: str
    file: str | None = None
    """its correlation id"""
    path: str | None = None
    accession: str | None = None
    dataset: str | None = None
    names: tuple[str, ...] = ()
    """accession ids of a mapping, file ids of a clean-up"""
    sent: int = field(default=0, compare=False)
    again: bool = field(default=False, compare=False)
    """it may have been delivered before"""
    old: bool = field(default=False, compare=False)
    """it has waited as long as anything may wait"""

    def body(self) -> str:
        """Return the message as Central EGA would send it."""
        fields: dict[str, Any] = {"type": self.kind}
        if self.path is not None:
            fields |= {"user": USER, "filepath": wire_path(USER, self.path)}
        if self.accession is not None:
            fields |= {"accession_id": self.accession, "decrypted_checksums": []}
        if self.dataset is not None:
            fields |= {"dataset_id": self.dataset}
        return json.dumps(fields | ({"accession_ids": self.names} if self.kind == "mapping" else {}))

    @classmethod
    def read(cls, queue: str, file: str | None, body: str) -> "Message":
        """Read what a node has sent."""
        fields = json.loads(body)
        path = fields.get("filepath")
        return cls(
            queue=queue,
            kind=fields.get("type") or fields.get("operation") or queue,
            file=file,
            path=None if path is None else path.removeprefix(user_prefix(USER)),
            accession=fields.get("accession_id"),
            dataset=fields.get("dataset_id"),
            names=tuple(sorted(fields.get("accession_ids") or fields.get("file_ids") or ())),
        )


@dataclass(eq=False)
class Lease:
    """The right to work on a file."""

    expired: bool = False


@dataclass(eq=False, repr=False)
class ModelFile:
    """A file as it should be; times are counted, not measured."""

    id: str
    path: str
    content: Content
    state: FileState = FileState.REGISTERED
    changed: int = 0
    cancelled: int = -1
    """when it was last cancelled"""
    stored: bool = False
    """its bytes are in the inbox, but it is not finished"""
    in_inbox: bool = False
    archived: bool = False
    backed_up: bool = False
    accession: str | None = None
    faulty: bool = False
    lease: Lease | None = None
    events: list[str] = field(default_factory=lambda: ["registered"])

    def __repr__(self) -> str:
        return f"<{self.content} {self.path} {self.id[:8]}>"


@dataclass
class Plan:
    """What a service has decided: it holds if, at its commit, all conditions hold."""

    message: Message
    at: int
    outcome: Outcome = Outcome.DONE
    file: ModelFile | None = None
    lease: Lease | None = None
    sent: list[Message] = field(default_factory=list)
    conditions: list[Callable[[], bool]] = field(default_factory=list)
    effects: list[Callable[[], object]] = field(default_factory=list)

    def send(self, queue: str, kind: str | None = None, **fields: Any) -> None:
        self.sent.append(Message(queue, kind or queue, **{"sent": self.at, **fields}))

    def tell(self, queue: str, file: ModelFile, **fields: Any) -> None:
        """Send a message about a file."""
        self.send(queue, file=file.id, path=file.path, **fields)

    def event(self, file: ModelFile, name: str) -> None:
        self.effects.append(lambda: file.events.append(str(name)))

    def change(self, thing: object, **values: Any) -> None:
        self.effects.extend(partial(setattr, thing, name, value) for name, value in values.items())

    def move(self, file: ModelFile, to: FileState, *, faulty: bool = False, **facts: Any) -> None:
        """Move a file, if it is still as it is now."""
        was, seen = file.state, file.changed
        self.conditions.append(lambda: (file.state, file.changed) == (was, seen))
        self.change(file, state=to, changed=self.at, faulty=faulty, **facts)
        if to is FileState.CANCELLED:
            self.change(file, cancelled=self.at)
        self.event(file, to.value)
