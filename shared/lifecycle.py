"""Start the parts of a process, wait for a signal or a death, stop them in order."""

import gc
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, Self

import structlog

from shared.errors import StrongroomError

log = structlog.get_logger(__name__)

_YOUNG = 10_000
"""New objects after which the collector looks for cycles among them; Python's default is 700."""


class Part(Protocol):
    """Something of a process that runs on threads of its own."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """Finish what is under way, then end."""

    @property
    def alive(self) -> bool:
        """Return False once it has died of an error: the process had better start again."""


class Repeating(ABC):
    """A part that does the same again and again on a thread of its own; what a server's absence hinders is put off."""

    def __init__(self, name: str, *, seconds: float, at_once: bool = False) -> None:
        """Do it every so many seconds, and with `at_once` at the start as well."""
        self._name = name
        self._seconds = seconds
        self._at_once = at_once
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def turn(self) -> None:
        """Do it once."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        if self._at_once:
            self._try()
        while not self._stopping.wait(self._seconds):
            self._try()

    def _try(self) -> None:
        try:
            self.turn()
        except StrongroomError as error:
            log.warning("put_off", part=self._name, error=type(error).__name__)


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


def spare_collector() -> None:
    """Let the garbage collector pass over what is there when a process has started, and look for more but seldom.

    What a request or a delivery leaves behind goes without it, save for a few cycles; to look at all modules again and
    again takes an eighth of the time of a small download, and halts all others.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG)


class Signals:
    """SIGTERM and SIGINT, which ask the process to stop; to be entered before any thread is started.

    They are blocked and asked for, not handled: a handler that sets a `threading.Event` deadlocks when it interrupts
    the very thread that waits for the event.
    """

    _ASKED = frozenset({signal.SIGTERM, signal.SIGINT})

    def __enter__(self) -> Self:
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, self._ASKED)
        return self

    def __exit__(self, *_: object) -> None:
        while self.wait(0):  # asked more than once: that is done already
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def wait(self, seconds: float) -> bool:
        """Wait for one of them; whether it came."""
        return signal.sigtimedwait(self._ASKED, seconds) is not None


def wait(parts: Sequence[Part], signals: Signals) -> None:
    """Return when a signal comes; raises PartDied when a part dies before."""
    while not signals.wait(0.5):
        dead = [type(part).__name__ for part in parts if not part.alive]
        if dead:
            raise PartDied(f"died unexpectedly: {', '.join(dead)}")
    log.info("stopping")
