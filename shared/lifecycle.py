"""Start the parts of a process, wait for a signal or a death, stop them in order."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import structlog

from shared.errors import StrongroomError

log = structlog.get_logger(__name__)


class Part(Protocol):
    """Something of a process that runs on threads of its own."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """Finish what is under way, then end."""

    @property
    def alive(self) -> bool:
        """Return False once it has died of an error: the process had better start again."""


class PartDied(StrongroomError):
    """A thread of this process ended unexpectedly; start the process again."""


@contextmanager
def running(parts: Sequence[Part]) -> Iterator[None]:
    """Start parts in the order given; stop those that were started in the opposite order."""
    started: list[Part] = []
    try:
        for part in parts:
            part.start()
            started.append(part)
        yield
    finally:
        for part in reversed(started):
            part.stop()


def stop_on_signals() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def wait(parts: Sequence[Part], stop: threading.Event) -> None:
    """Return when `stop` is set; raises PartDied when a part dies before."""
    while not stop.wait(0.5):
        dead = [type(part).__name__ for part in parts if not part.alive]
        if dead:
            raise PartDied(f"died unexpectedly: {', '.join(dead)}")
    log.info("stopping")
