"""Publish messages with confirms, many at once."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import pika
import pika.exceptions
from pika.channel import Channel
from pika.spec import Basic

from shared.broker.consuming import ATTEMPT, FIRST_SEEN
from shared.broker.rabbit import Link
from shared.broker.topology import EXCHANGE
from shared.errors import TransientError

PRECONDITION_FAILED = 406
"""With this the broker closes a channel over a message that is too long for it."""


class BrokerAway(TransientError):
    """The message broker does not answer."""


class BatchRefused(BrokerAway):
    """The broker takes none of these messages because of one of them: publish them one by one."""


@dataclass(frozen=True)
class Outgoing:
    """A row of `outgoing` that is due."""

    id: int
    routing_key: str
    queue: str | None
    message_id: str
    correlation_id: str | None
    body: str
    attempt: int
    first_seen: datetime

    def properties(self) -> pika.BasicProperties:
        """Return the properties with which FEGA messages are published."""
        headers = {ATTEMPT: self.attempt, FIRST_SEEN: int(self.first_seen.timestamp() * 1000)}
        return pika.BasicProperties(
            content_type="application/json",
            content_encoding="UTF-8",
            delivery_mode=2,
            correlation_id=self.correlation_id,
            message_id=self.message_id,
            timestamp=int(self.first_seen.timestamp()),
            headers=headers,
        )


@dataclass
class Batch:
    """What became of the messages of one call."""

    rows: Sequence[Outgoing]
    confirmed: set[int] = field(default_factory=set)
    unroutable: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    unfit: dict[int, str] = field(default_factory=dict)
    """messages that can't be sent at all, and why"""
    closed_over: str | None = None
    """why the broker closed the channel, if that was for one of the messages"""
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def answered(self) -> bool:
        """Whether the broker has answered for every message."""
        return len(self.confirmed) + len(self.refused) + len(self.unfit) == len(self.rows)

    def close(self, reason: Exception) -> None:
        """Note that the channel was closed; a single message stands alone for it if the broker did so for its sake."""
        if isinstance(reason, pika.exceptions.ChannelClosedByBroker) and reason.reply_code == PRECONDITION_FAILED:
            self.closed_over = reason.reply_text
            if len(self.rows) == 1:
                self.unfit[self.rows[0].id] = f"refused by the broker: {self.closed_over}"


class Publisher:
    """Publishes batches on a channel of its own; one batch at a time."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._channel: Channel | None = None
        self._batch: Batch | None = None
        self._pending: dict[int, Outgoing] = {}
        self._next_tag = 1
        link.join(self)

    @property
    def connected(self) -> bool:
        return self._channel is not None

    def publish(self, rows: Sequence[Outgoing], *, timeout: float = 30) -> Batch:
        """Publish rows and wait until the broker has them safe.

        Raises BrokerAway when some remain unanswered, BatchRefused if that is because of one of them.
        Those unanswered may have arrived; publishing them again is right, since consumers know them by message id.
        """
        batch = Batch(rows)
        self._link.call(partial(self._send, batch))
        batch.over.wait(timeout if self._link.connected else 0)
        if not batch.answered:
            self._link.call(partial(self._give_up, batch))
            raise BatchRefused if batch.closed_over else BrokerAway
        return batch

    # ---- in the thread of the connection

    def opened(self, connection: pika.SelectConnection) -> None:
        connection.channel(on_open_callback=self._channel_opened)

    def lost(self) -> None:
        if self._batch is not None:
            self._batch.over.set()
        self._channel, self._batch = None, None
        self._pending.clear()

    def _channel_opened(self, channel: Channel) -> None:
        self._pending.clear()
        self._next_tag = 1
        channel.add_on_return_callback(self._returned)
        channel.add_on_close_callback(self._channel_closed)
        channel.confirm_delivery(self._answered, callback=lambda _frame: self._channel_ready(channel))

    def _channel_ready(self, channel: Channel) -> None:
        self._channel = channel

    def _channel_closed(self, channel: Channel, reason: Exception) -> None:
        if self._batch is not None:
            self._batch.close(reason)
        self.lost()
        if channel.connection.is_open:
            self.opened(channel.connection)

    def _send(self, batch: Batch) -> None:
        if self._channel is None:
            return
        self._batch = batch
        for row in batch.rows:
            exchange, key = (EXCHANGE, row.routing_key) if row.queue is None else ("", row.queue)
            try:
                self._channel.basic_publish(exchange, key, row.body.encode(), row.properties(), mandatory=True)
            except pika.exceptions.ShortStringTooLong:
                batch.unfit[row.id] = "its correlation id or the name of its queue is longer than 255 bytes"
                continue
            self._pending[self._next_tag] = row
            self._next_tag += 1
        if batch.answered:
            batch.over.set()

    def _give_up(self, batch: Batch) -> None:
        if self._batch is batch:
            self._batch = None

    def _returned(self, _channel: Channel, _method: object, properties: pika.BasicProperties, _body: bytes) -> None:
        if self._batch is not None:
            self._batch.unroutable |= {row.id for row in self._batch.rows if row.message_id == properties.message_id}

    def _answered(self, frame: Any) -> None:  # noqa: ANN401 - pika's frame of Basic.Ack or Basic.Nack
        tag, ok = frame.method.delivery_tag, isinstance(frame.method, Basic.Ack)
        tags = [t for t in self._pending if t <= tag] if frame.method.multiple else [tag]
        rows = [self._pending.pop(t) for t in tags if t in self._pending]
        if self._batch is not None:
            (self._batch.confirmed if ok else self._batch.refused).update(row.id for row in rows)
            if self._batch.answered:
                self._batch.over.set()
