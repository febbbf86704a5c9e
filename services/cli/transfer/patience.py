"""Try again what may pass: with pauses that grow, and up to a limit."""

import random
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from services.cli.transfer.endings import Interrupted, Unfinished
from shared.errors import TransientError

Result = TypeVar("Result")

_SHORTEST, _LONGEST = 0.5, 60.0
"""Seconds of the first pause, and of the longest; each is twice the one before, and up to a quarter is left to chance,
so that clients that failed together do not come back together."""


class TryLater(TransientError):
    """The server says how many seconds to wait."""

    def __init__(self, message: str, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(message)


class Patience:
    """Shared by all threads of a transfer.

    limit: how long one request may fail in a row; tell: is told of each failure, and how many seconds are waited.
    """

    def __init__(self, limit: timedelta, tell: Callable[[TransientError, float], object]) -> None:
        self._limit = limit.total_seconds()
        self._tell = tell
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let every thread that waits, or is to begin something, raise Interrupted."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    def call(self, work: Callable[[], Result]) -> Result:
        """Return the result of `work`, which raises TransientError for what may pass.

        Raises Unfinished when the limit is reached, Interrupted when the transfer is stopped, and all else that
        `work` raises.
        """
        began: float | None = None
        pause = _SHORTEST
        while True:
            self._check()
            try:
                return work()
            except TransientError as error:
                began = time.monotonic() if began is None else began
                seconds = self._seconds(error, pause)
                if time.monotonic() + seconds > began + self._limit:
                    raise Unfinished(f"{error}; run the same command again to go on") from error
                self._tell(error, seconds)
                self._stopped.wait(seconds)
                pause = min(2 * pause, _LONGEST)

    def _check(self) -> None:
        if self._stopped.is_set():
            raise Interrupted

    def _seconds(self, error: TransientError, pause: float) -> float:
        asked = error.seconds if isinstance(error, TryLater) else 0.0
        # not for secrecy: it only spreads the load
        return max(asked, pause * random.uniform(0.75, 1))  # noqa: S311
