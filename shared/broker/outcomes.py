"""What becomes of a delivery whose handler raised (the table of design, section 4)."""

import traceback
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from shared.broker.delivery import Delivery
from shared.broker.unit import Unit
from shared.database.statements import DEAD_LETTER
from shared.database.states import FILE_TRANSITIONS, FileState
from shared.database.types import storable
from shared.errors import FileRefused, NotYet, TransientError, UserError
from shared.messages.operations import ErrorMessage

MOST_OF_ORIGINAL = 1_000_000
"""Characters of a refused message that the error message repeats; in JSON they may take six times as many bytes."""


class Outcome(StrEnum):
    """How a delivery was settled; the label of the metric."""

    DONE = "done"
    REFUSED = "refused"
    NOT_YET = "not-yet"
    RETRY = "retry"
    DEAD = "dead"
    REPEATED = "repeated"

    @property
    def is_answer(self) -> bool:
        """Whether the message was acted on, or refused: no copy of it has anything left to do."""
        return self in {Outcome.DONE, Outcome.REFUSED}


@dataclass(frozen=True)
class Patience:
    """How long deliveries are put off."""

    not_yet: tuple[float, ...] = (0.5, 1, 2, 5, 10, 30, 60)
    """seconds; the last one again and again"""
    not_yet_deadline: timedelta = timedelta(days=7)
    transient: tuple[float, ...] = (5, 30, 120, 600, 3600)
    """seconds; after the last one the delivery is a dead letter"""


def settle_error(error: Exception, delivery: Delivery, unit: Unit, patience: Patience) -> Outcome:
    """Fill an empty unit with what `error` leads to."""
    match error:
        case UserError():
            _refuse(error, delivery, unit)
            return Outcome.REFUSED
        case NotYet() if unit.at - delivery.first_seen < patience.not_yet_deadline:
            _put_off(delivery, unit, patience.not_yet[min(delivery.attempt, len(patience.not_yet) - 1)])
            return Outcome.NOT_YET
        case TransientError() if delivery.attempt < len(patience.transient):
            _put_off(delivery, unit, patience.transient[delivery.attempt])
            return Outcome.RETRY
        case _:
            _bury(error, delivery, unit)
            return Outcome.DEAD


def _refuse(error: UserError, delivery: Delivery, unit: Unit) -> None:
    reason, file = storable(str(error)), unit.file
    if file is not None:
        if isinstance(error, FileRefused) and FileState.ERROR in FILE_TRANSITIONS[file.state]:
            unit.move(file, FileState.ERROR, reason=reason)
        else:
            unit.fault(file, reason)
    original = delivery.text[:MOST_OF_ORIGINAL]
    message = ErrorMessage(error=f"{unit.service} refused a message", reason=reason, original_message=original)
    unit.send(message, delivery.correlation_id)


def _put_off(delivery: Delivery, unit: Unit, seconds: float) -> None:
    unit.send_raw(
        delivery.queue,
        delivery.text,
        delivery.correlation_id,
        queue=delivery.queue,
        message_id=delivery.message_id,
        due=unit.at + timedelta(seconds=seconds),
        attempt=delivery.attempt + 1,
        first_seen=delivery.first_seen,
    )


def _bury(error: Exception, delivery: Delivery, unit: Unit) -> None:
    expected = isinstance(error, NotYet | TransientError)
    unit.add(
        DEAD_LETTER,
        queue=delivery.queue,
        correlation_id=delivery.correlation_id,
        body=delivery.text,
        reason=storable(f"{type(error).__name__}: {error}"),
        trace=None if expected else storable("".join(traceback.format_exception(error))),
        at=unit.at,
    )
