"""Deliveries from a queue of RabbitMQ."""

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pika
import structlog
from pika.channel import Channel
from sqlalchemy import Connection, bindparam, select

from shared.broker.delivery import Delivery, to_message_id
from shared.broker.properties import short
from shared.broker.rabbit import Link
from shared.broker.unit import Unit
from shared.database.queue_tables import handled
from shared.database.sets import padded
from shared.database.statements import HANDLED
from shared.database.types import FileUuid, now, storable
from shared.identifiers import MessageId

log = structlog.get_logger(__name__)

MOST_ATTEMPTS = 1_000_000

ATTEMPT = "strongroom-attempt"
FIRST_SEEN = "strongroom-first-seen"
"""Headers of our messages: how often its delivery was put off, and when it was sent first (Unix time, ms)."""

_HANDLED = select(handled.c.message_id).where(
    handled.c.queue == bindparam("this_queue"),
    handled.c.message_id.in_(bindparam("messages", type_=FileUuid, expanding=True)),
)


@dataclass(frozen=True)
class _Receipt:
    channel: Channel
    tag: int


class RabbitSource:
    """Consumes one queue on a channel of its own; opens the channel again on every new connection."""

    def __init__(self, link: Link, queue_name: str, *, prefetch: int) -> None:
        self.queue = queue_name
        self._link = link
        self._prefetch = prefetch
        # not a SimpleQueue: where several threads take from one, CPython 3.11 may forget the timeout of `get`
        self._waiting: queue.Queue[Delivery] = queue.Queue()
        self._channel: Channel | None = None
        self._connection: pika.SelectConnection | None = None
        self._wanted = threading.Event()
        link.join(self)

    @property
    def connected(self) -> bool:
        return self._channel is not None

    def start(self) -> None:
        self.resume()

    def get(self, timeout: float) -> Delivery | None:
        try:
            delivery = self._waiting.get(timeout=timeout)
        except queue.Empty:
            return None
        return delivery if self.holds(delivery) else None

    def holds(self, delivery: Delivery) -> bool:
        # what came on a channel that is gone comes again
        assert isinstance(delivery.receipt, _Receipt)
        return delivery.receipt.channel is self._channel

    def settled(self, connection: Connection, deliveries: Sequence[Delivery]) -> Sequence[bool]:
        ids = [_ids(delivery) for delivery in deliveries]
        asked = [one for both in ids for one in both]
        if not asked:
            return [False] * len(deliveries)
        known = set(connection.scalars(_HANDLED, {"this_queue": self.queue, "messages": padded(asked)}))
        return [not known.isdisjoint(both) for both in ids]

    def settle_with(self, delivery: Delivery, unit: Unit, *, answered: bool) -> None:
        if delivery.message_id is not None:
            over = delivery.message_id if answered else delivery.attempt_id
            unit.add(HANDLED, queue=self.queue, message_id=over, at=unit.at)

    def settle(self, delivery: Delivery) -> None:
        self._link.call(partial(self._settle, delivery, Channel.basic_ack))

    def hand_back(self, delivery: Delivery) -> None:
        self._link.call(partial(self._settle, delivery, partial(Channel.basic_nack, requeue=True)))

    def pause(self) -> None:
        """Close the channel: the broker takes back what was delivered on it."""
        self._wanted.clear()
        self._link.call(self._close_channel)

    def resume(self) -> None:
        self._wanted.set()
        self._link.call(self._open_channel)

    def stop(self) -> None:
        """Cancel the consumer; the channel stays open for what is still to be settled."""
        self._wanted.clear()
        self._link.call(self._cancel)

    # ---- in the thread of the connection

    def opened(self, connection: pika.SelectConnection) -> None:
        self._connection = connection
        self._open_channel()

    def lost(self) -> None:
        self._connection = self._channel = None

    def _open_channel(self) -> None:
        if self._connection is not None and self._channel is None and self._wanted.is_set():
            self._connection.channel(on_open_callback=self._channel_opened)

    def _channel_opened(self, channel: Channel) -> None:
        if self._channel is not None or not self._wanted.is_set():
            channel.close()
            return
        self._channel = channel
        channel.add_on_close_callback(self._channel_closed)
        channel.basic_qos(prefetch_count=self._prefetch, callback=partial(self._consume, channel))

    def _consume(self, channel: Channel, _frame: object) -> None:
        channel.basic_consume(self.queue, self._deliver, consumer_tag=self.queue)

    def _channel_closed(self, channel: Channel, reason: Exception) -> None:
        if self._channel is channel:
            self._channel = None
        if self._wanted.is_set() and self._connection is not None and self._connection.is_open:
            # the broker closed it: the consumer time-out ran out, or the queue is not there
            log.warning("channel_closed", queue=self.queue, reason=str(reason))
            self._connection.ioloop.call_later(1, self._open_channel)

    def _close_channel(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None and channel.is_open:
            channel.close()

    def _cancel(self) -> None:
        if self._channel is not None and self._channel.is_open:
            self._channel.basic_cancel(self.queue, callback=self._cancelled)

    def _cancelled(self, _frame: object) -> None:
        while not self._waiting.empty():
            self.hand_back(self._waiting.get_nowait())

    def _deliver(self, channel: Channel, method: Any, properties: pika.BasicProperties, body: bytes) -> None:  # noqa: ANN401
        headers = properties.headers or {}
        self._waiting.put(
            Delivery(
                queue=self.queue,
                body=body,
                correlation_id=_text(properties.correlation_id),
                message_id=to_message_id(_text(properties.message_id)),
                attempt=_number(headers.get(ATTEMPT)),
                first_seen=_first_seen(headers.get(FIRST_SEEN), properties.timestamp),
                redelivered=method.redelivered,
                died=_death(method.routing_key, headers),
                receipt=_Receipt(channel, method.delivery_tag),
            )
        )

    def _settle(self, delivery: Delivery, how: Any) -> None:  # noqa: ANN401 - basic_ack or basic_nack
        assert isinstance(delivery.receipt, _Receipt)
        if delivery.receipt.channel.is_open:
            how(delivery.receipt.channel, delivery.receipt.tag)


def _text(value: str | bytes | None) -> str | None:
    """Read a short string so that it can be stored and sent again; pika leaves those that are not UTF-8 as bytes."""
    if value is None:
        return None
    return short(storable(value.decode("utf-8", "replace") if isinstance(value, bytes) else value))


def _death(routing_key: str | bytes, headers: dict[str, Any]) -> str:
    queue = headers.get("x-first-death-queue")
    if isinstance(queue, str):
        return storable(f"{short(queue)}: {headers.get('x-first-death-reason')}")
    return f"{_text(routing_key)}: unroutable"


def _ids(delivery: Delivery) -> set[MessageId]:
    """Return the ids under which its message, or this attempt at it, is known when it was handled."""
    return {one for one in (delivery.message_id, delivery.attempt_id) if one is not None}


def _number(value: object) -> int:
    return min(max(value, 0), MOST_ATTEMPTS) if isinstance(value, int) else 0


def _first_seen(milliseconds: object, timestamp: int | None) -> datetime:
    """Return when it was sent; now, if the sender does not say, or says what can't be."""
    if isinstance(milliseconds, int):
        seconds = milliseconds / 1000
    elif timestamp is not None:
        seconds = timestamp + 1  # other senders say whole seconds: take the end of theirs
    else:
        return now()
    return datetime.fromtimestamp(seconds, UTC) if 0 <= seconds < time.time() else now()
