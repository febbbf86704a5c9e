"""How much one reader may ask for: requests at a time, and requests a second (a token bucket for each reader)."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from shared.http.problems import HttpError

MOST_READERS = 10_000
"""Readers who are remembered."""

_TEN_SECONDS = 10.0
_TRIES = 10


class TooManyRequests(HttpError):
    """You ask for too much at a time: wait, and try again."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "TOO_MANY_REQUESTS"

    def __init__(self, seconds: float) -> None:
        self.seconds = max(1, math.ceil(seconds))
        super().__init__()

    @property
    def headers(self) -> Mapping[str, str]:
        """When to come again."""
        return {"Retry-After": str(self.seconds)}


@dataclass
class _Use:
    tokens: float
    at: float
    under_way: int = 0


class ReaderLimits:
    """Counts what each reader does in this process.

    at_once: requests under way. per_second: requests in the long run; ten seconds' worth may come in one go.
    """

    def __init__(self, *, at_once: int, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_once = at_once
        self._rate = per_second
        self._burst = max(1.0, per_second * _TEN_SECONDS)
        self._clock = clock
        self._uses: OrderedDict[str, _Use] = OrderedDict()

    @contextmanager
    def place(self, user: str) -> Iterator[None]:
        """Let a request of this reader be answered. Raises TooManyRequests."""
        use = self._use_of(user)
        if use.under_way >= self._at_once:
            raise TooManyRequests(1)
        if use.tokens < 1:
            raise TooManyRequests((1 - use.tokens) / self._rate)
        use.tokens -= 1
        use.under_way += 1
        try:
            yield
        finally:
            use.under_way -= 1

    def _use_of(self, user: str) -> _Use:
        at = self._clock()
        use = self._uses.get(user)
        if use is None:
            use = self._uses[user] = _Use(self._burst, at)
            self._forget_some()
        else:
            self._uses.move_to_end(user)
            use.tokens = min(self._burst, use.tokens + (at - use.at) * self._rate)
            use.at = at
        return use

    def _forget_some(self) -> None:
        """Forget who has asked for nothing for longest, but nobody whose requests are under way."""
        for _ in range(_TRIES):
            if len(self._uses) <= MOST_READERS:
                return
            user, use = self._uses.popitem(last=False)
            if use.under_way:
                self._uses[user] = use
