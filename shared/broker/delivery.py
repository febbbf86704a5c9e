"""A message that was delivered, and what a source of deliveries can do."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol
from uuid import NAMESPACE_OID, UUID, uuid5

from sqlalchemy import Connection

from shared.broker.unit import Origin, Unit
from shared.database.types import now, storable
from shared.identifiers import FileId, MessageId, parse_file_id


@dataclass(frozen=True)
class Delivery:
    """A message as one consumer got it; `receipt` is what its source needs to settle it."""

    queue: str
    body: bytes
    correlation_id: str | None = None
    message_id: MessageId | None = None
    attempt: int = 0
    first_seen: datetime = field(default_factory=now)
    """when it was sent first, as far as is known"""
    redelivered: bool = False
    """whether it may have been delivered before"""
    receipt: object = None
    died: str | None = None
    """of a delivery from the queue `dead`: the queue it came from and why, as the broker says"""
    races_lost: int = 0
    known: object = None
    """what its handler's `load` has found about it"""

    @property
    def file_id(self) -> FileId | None:
        """The file it is about, if its correlation id is one of ours."""
        return parse_file_id(self.correlation_id)

    def predates(self, moment: datetime) -> bool:
        """Tell whether this is an old message that comes again: sent before `moment`, and delivered before."""
        again = self.redelivered or self.attempt > 0 or self.races_lost > 0
        return again and self.first_seen < moment

    @property
    def attempt_id(self) -> MessageId | None:
        """Names this attempt alone: an attempt can be over while the message is still to be acted on."""
        if self.message_id is None:
            return None
        return MessageId(str(uuid5(UUID(self.message_id), f"attempt {self.attempt}")))

    @property
    def origin(self) -> Origin | None:
        """What it is known by when it was handled; None: its sender gave it no id."""
        if self.message_id is None or self.attempt_id is None:
            return None
        return Origin(self.queue, self.message_id, self.attempt_id)

    @property
    def text(self) -> str:
        """The body as text that any database stores."""
        return storable(self.body.decode("utf-8", "replace"))

    def decided_anew(self) -> "Delivery":
        """Return the same delivery after its unit lost a race."""
        return replace(self, races_lost=self.races_lost + 1, known=None)


def to_message_id(text: str | None) -> MessageId | None:
    """Make a UUID of whatever a sender calls its message; None if it does not say."""
    if not text:
        return None
    try:
        return MessageId(str(UUID(text)))
    except ValueError:
        return MessageId(str(uuid5(NAMESPACE_OID, text)))


class Source(Protocol):
    """Where deliveries come from: RabbitMQ, or the table itself. All methods may be called from any thread."""

    queue: str

    @property
    def connected(self) -> bool:
        """Whether deliveries can come."""

    def start(self) -> None:
        """Begin to take deliveries."""

    def get(self, timeout: float) -> Delivery | None:
        """Return the next delivery, or None after `timeout` seconds."""

    def holds(self, delivery: Delivery) -> bool:
        """Tell whether a delivery is still ours to settle; what is not comes again."""

    def settled(self, connection: Connection, deliveries: Sequence[Delivery]) -> Sequence[bool]:
        """Tell of each delivery whether a unit for its message was committed before."""

    def settle_with(self, delivery: Delivery, unit: Unit, *, answered: bool) -> None:
        """Add to the unit what keeps its message from being acted on twice.

        `answered`: no copy of the message has anything left to do, not even one that was put off; otherwise only this
        attempt is over.
        """

    def settle(self, delivery: Delivery) -> None:
        """The unit is committed: let the message go."""

    def hand_back(self, delivery: Delivery) -> None:
        """Nothing was committed: let the message come again, to whomever."""

    def pause(self) -> None:
        """Hand back what is not settled, and take nothing more until `resume`."""

    def resume(self) -> None:
        """Take deliveries again."""

    def stop(self) -> None:
        """Take no more deliveries, and hand back those that nobody has taken; those taken can still be settled."""
