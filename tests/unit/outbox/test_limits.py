"""One reader can ask for so much and no more; others are not harmed, and nobody is remembered for ever."""

from contextlib import ExitStack

import pytest

from services.outbox import limits as module
from services.outbox.limits import ReaderLimits, TooManyRequests


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def ask(limits: ReaderLimits, user: str = "a") -> None:
    with limits.place(user):
        pass


def test_requests_at_a_time_are_limited_for_each_reader() -> None:
    limits = ReaderLimits(at_once=2, per_second=100)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(limits.place("a"))
        with pytest.raises(TooManyRequests) as refused:
            ask(limits)
        assert refused.value.headers == {"Retry-After": "1"}
        ask(limits, "b")
    ask(limits)


def test_ten_seconds_worth_may_come_at_once_and_then_the_rate_holds() -> None:
    clock = Clock()
    limits = ReaderLimits(at_once=9, per_second=0.5, clock=clock)
    for _ in range(5):
        ask(limits)
    with pytest.raises(TooManyRequests) as refused:
        ask(limits)
    assert refused.value.seconds == 2
    clock.time += 2
    ask(limits)
    with pytest.raises(TooManyRequests):
        ask(limits)
    clock.time += 1000
    for _ in range(5):
        ask(limits)
    with pytest.raises(TooManyRequests):
        ask(limits)


def test_place_is_free_again_after_a_failure() -> None:
    limits = ReaderLimits(at_once=1, per_second=100)
    with pytest.raises(ValueError, match="broken"), limits.place("a"):
        raise ValueError("broken")
    ask(limits)


def test_readers_who_are_gone_are_forgotten_but_not_those_who_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_READERS", 10)
    limits = ReaderLimits(at_once=1, per_second=100)
    with limits.place("reading"):
        for number in range(50):
            ask(limits, str(number))
        assert len(limits._uses) <= 12
        with pytest.raises(TooManyRequests):
            ask(limits, "reading")
