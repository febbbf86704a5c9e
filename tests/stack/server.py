"""What all servers of the tests have in common."""

import secrets
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, Self, TypeVar

from tests.stack.process import Home, Process, ServerError, wait_until

Handle = TypeVar("Handle")


class Server(ABC, Generic[Handle]):
    """A real server on the loopback interface that tests may stop, kill, restart and freeze; its data outlives that.

    As a context manager it is started, and gone with its data at the end.
    """

    name: str
    start_seconds = 60.0

    def __init__(self, home: Home) -> None:
        self._home = home
        self._folder = home.subfolder(self.name)
        self._prepared = False
        self.password = secrets.token_hex(8)
        #: seconds that the last start took, up to the first real login
        self.boot_seconds = 0.0

    @property
    @abstractmethod
    def handle(self) -> Handle:
        """Address and credentials, the same for the whole life of the server."""

    @property
    def process(self) -> Process:
        """The process that clients talk to, to be watched; faults are done to it by the methods below."""
        return self._front

    @property
    @abstractmethod
    def _front(self) -> Process:
        """The process that clients talk to: faults are done to it."""

    @abstractmethod
    def _prepare(self) -> None:
        """Write the configuration and make the data folder, once."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether a client can log in and be served."""

    def start(self) -> None:
        """Start the server and wait for a real login; what runs already is left as it is."""
        begin = time.monotonic()
        if not self._prepared:
            self._prepare()
            self._prepared = True
        try:
            self._launch()
            self._wait()
        except ServerError:
            self.end()
            raise
        self.boot_seconds = time.monotonic() - begin

    def stop(self) -> None:
        """Stop the server in the orderly way."""
        self._front.stop(signal.SIGTERM)

    def kill(self) -> None:
        """End the server as a crash does."""
        self._front.kill()

    def restart(self) -> None:
        """Stop the server in the orderly way and start it again."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the server: its connections stay open and nobody answers."""
        self._front.pause()

    def resume(self) -> None:
        """Let a frozen server go on."""
        self._front.resume()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Freeze the server for the length of a block."""
        self.pause()
        try:
            yield
        finally:
            self.resume()

    def end(self) -> None:
        """End the server at once, for good."""
        self._front.end()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _launch(self) -> None:
        self._front.ensure()

    def _wait(self) -> None:
        wait_until(self._answers, within=self.start_seconds, what=f"{self.name} does not start", process=self._front)

    def _path(self, name: str) -> Path:
        return self._folder / name
