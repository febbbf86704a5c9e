"""What handlers of messages about files ask of the database: the message read, and its file's picture."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, cast

from sqlalchemy import Connection

from shared.broker.delivery import Delivery
from shared.database.pictures import Picture, Question, take_pictures
from shared.errors import UserError

M = TypeVar("M")


class FileLoader(Generic[M]):
    """Loads what is known of the files that messages mean; `sidecars`: see `take_pictures`.

    read: makes a message of a body, or raises the UserError with which it is refused.
    """

    def __init__(
        self, read: Callable[[bytes], M], question: Callable[[Delivery, M], Question], *, sidecars: bool = True
    ) -> None:
        self._read = read
        self._question = question
        self._sidecars = sidecars

    def __call__(self, connection: Connection, deliveries: Sequence[Delivery]) -> Sequence[object]:
        """Return message and picture for each delivery; a refusal is kept for the moment of its decision."""
        messages = [self._message(delivery) for delivery in deliveries]
        questions = [
            self._question(delivery, message)
            for delivery, message in zip(deliveries, messages, strict=True)
            if not isinstance(message, UserError)
        ]
        pictures = iter(take_pictures(connection, questions, sidecars=self._sidecars))
        return [message if isinstance(message, UserError) else (message, next(pictures)) for message in messages]

    def known(self, delivery: Delivery) -> tuple[M, Picture]:
        """Return what was loaded for a delivery. Raises the UserError with which its message is refused."""
        known = cast("tuple[M, Picture] | UserError", delivery.known)
        if isinstance(known, UserError):
            raise known
        return known

    def _message(self, delivery: Delivery) -> M | UserError:
        try:
            return self._read(delivery.body)
        except UserError as refusal:
            return refusal
