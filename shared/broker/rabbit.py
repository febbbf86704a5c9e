"""One connection to RabbitMQ per process, served by a thread of its own, so that heartbeats never starve.

All of pika lives in this thread: whoever wants something of the connection puts a callback into its loop.
"""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol

import pika
import pika.exceptions
import structlog
from pika.channel import Channel

from shared.broker.properties import read_properties_forgivingly
from shared.broker.topology import DEAD_EXCHANGE, DEAD_QUEUE, EXCHANGE, QUEUES

log = structlog.get_logger(__name__)

_Step = Callable[[Channel, Callable[[Any], None]], None]

HEARTBEAT = 20
"""Seconds; after two of them without a sign the broker gives the deliveries of a frozen process to others."""

LONGEST_PAUSE = 5.0
"""Seconds between attempts to connect, at most."""


class Party(Protocol):
    """Someone with a channel on the connection."""

    def opened(self, connection: pika.SelectConnection) -> None:
        """A connection is there: open a channel. Runs in the connection's thread."""

    def lost(self) -> None:
        """The connection is gone, and all that was under way on it. Runs in the connection's thread."""


class Link:
    """Keeps a connection open: connects, and connects again with growing pauses when it is lost."""

    def __init__(self, url: str, *, declare: bool = True) -> None:
        read_properties_forgivingly()
        self._parameters = pika.URLParameters(url)
        self._parameters.blocked_connection_timeout = 60
        self._parameters.heartbeat = HEARTBEAT
        self._declare = declare
        self._parties: list[Party] = []
        self._connection: pika.SelectConnection | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="rabbitmq", daemon=True)

    def join(self, party: Party) -> None:
        """Give someone a channel on every connection to come; call it before `start`."""
        self._parties.append(party)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close the connection; deliveries that are not settled go back to their queues."""
        self._stopping.set()
        self.call(self._close)
        self._thread.join(timeout=10)

    @property
    def connected(self) -> bool:
        return self._connection is not None

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def call(self, action: Callable[[], None]) -> None:
        """Run `action` in the connection's thread; without a connection nothing is done."""
        with self._lock:
            if self._connection is not None:
                self._connection.ioloop.add_callback_threadsafe(action)

    def _run(self) -> None:
        while not self._stopping.is_set():
            connection = pika.SelectConnection(
                self._parameters,
                on_open_callback=self._opened,
                on_open_error_callback=self._not_opened,
                on_close_callback=self._closed,
            )
            try:
                connection.ioloop.start()
            except Exception:
                log.exception("broker_connection_failed")
            self._forget_connection()
            connection.ioloop.close()
            self._failures += 1
            self._stopping.wait(min(0.25 * 2 ** min(self._failures, 8), LONGEST_PAUSE))

    def _opened(self, connection: pika.SelectConnection) -> None:
        log.info("broker_connected")
        if self._declare:
            connection.channel(on_open_callback=lambda channel: self._declare_all(connection, channel))
        else:
            self._ready(connection)

    def _declare_all(self, connection: pika.SelectConnection, channel: Channel) -> None:
        steps = declarations()
        channel.add_on_close_callback(partial(self._not_declared, connection))

        def next_step(_frame: object = None) -> None:
            step = next(steps, None)
            if step is None:
                channel.close()
                self._ready(connection)
            else:
                step(channel, next_step)

        next_step()

    def _not_declared(self, connection: pika.SelectConnection, _channel: Channel, reason: BaseException) -> None:
        if isinstance(reason, pika.exceptions.ChannelClosedByBroker):
            # a queue or exchange is there, made otherwise; an operator has to decide which is right
            log.error("topology_refused", reason=reason.reply_text)
            connection.close()

    def _ready(self, connection: pika.SelectConnection) -> None:
        self._connection = connection
        self._failures = 0
        for party in self._parties:
            party.opened(connection)
        if self._stopping.is_set():
            self._close()

    def _not_opened(self, connection: pika.SelectConnection, error: BaseException) -> None:
        log.warning("broker_away", error=type(error).__name__)
        connection.ioloop.stop()

    def _closed(self, connection: pika.SelectConnection, reason: BaseException) -> None:
        if not self._stopping.is_set():
            log.warning("broker_connection_lost", error=type(reason).__name__, reason=str(reason))
        connection.ioloop.stop()

    def _forget_connection(self) -> None:
        with self._lock:
            self._connection = None
        for party in self._parties:
            party.lost()

    def _close(self) -> None:
        connection = self._connection
        if connection is not None and not (connection.is_closing or connection.is_closed):
            connection.close()

    def reconnect(self) -> None:
        """Close the connection and open another; what is not settled comes again."""
        self.call(self._close)


def declarations() -> Iterator[_Step]:
    """Yield the steps that declare the topology; each takes a channel and what to call when it is done."""
    yield _exchange(DEAD_EXCHANGE)
    yield _exchange(EXCHANGE)
    yield _queue(DEAD_QUEUE, {"x-queue-type": "quorum"})
    yield _binding(DEAD_QUEUE, DEAD_EXCHANGE, "#")
    for queue in QUEUES:
        yield _queue(queue.name, queue.arguments)
        yield _binding(queue.name, EXCHANGE, queue.name)


def _exchange(name: str) -> _Step:
    # without arguments, as the incumbent declares it; an alternate exchange is a matter of policy
    return lambda channel, done: channel.exchange_declare(name, "topic", durable=True, callback=done)


def _queue(name: str, arguments: dict[str, Any]) -> _Step:
    return lambda channel, done: channel.queue_declare(name, durable=True, arguments=arguments, callback=done)


def _binding(queue: str, exchange: str, key: str) -> _Step:
    return lambda channel, done: channel.queue_bind(queue, exchange, key, callback=done)
