"""The publisher waits for the broker's answer, and not for one that cannot come any more."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from shared.broker.publishing import BrokerAway, Outgoing, Publisher
from shared.broker.runner import Delays
from shared.database.types import now


class StillLink:
    """A connection on which calls are done at once and nothing is ever answered."""

    connected = True

    def join(self, _party: object) -> None: ...

    def call(self, action: Callable[[], None]) -> None:
        action()


class StillChannel:
    def __init__(self) -> None:
        self.published = threading.Event()

    def basic_publish(self, *_: Any, **__: Any) -> None:
        self.published.set()


def test_lost_connection_ends_the_wait_for_its_answers() -> None:
    publisher, channel = Publisher(StillLink()), StillChannel()  # type: ignore[arg-type]
    publisher._channel = channel
    rows = [Outgoing(1, "ingest", None, "id", None, "{}", 0, now())]

    def lose() -> None:
        assert channel.published.wait(10)
        publisher.lost()

    threading.Thread(target=lose).start()
    began = time.monotonic()
    with pytest.raises(BrokerAway):
        publisher.publish(rows, timeout=60)
    assert time.monotonic() - began < 20


def test_unanswered_batch_is_given_up_in_the_end() -> None:
    publisher = Publisher(StillLink())  # type: ignore[arg-type]
    publisher._channel = StillChannel()
    with pytest.raises(BrokerAway):
        publisher.publish([Outgoing(1, "ingest", None, "id", None, "{}", 0, now())], timeout=0.05)


def test_pauses_grow_while_one_fault_follows_the_other() -> None:
    delays = Delays(first=1, longest=5, calm=60)
    assert [delays.next() for _ in range(5)] == [1, 2, 4, 5, 5]


def test_pauses_begin_again_after_a_calm_time() -> None:
    delays = Delays(first=1, longest=5, calm=0)
    assert [delays.next() for _ in range(3)] == [1, 1, 1]
