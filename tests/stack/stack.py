"""The servers of one test run: started side by side when they are needed, shared by all workers, ended together."""

import fcntl
import pickle
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from tests.stack.minio import MinioServer
from tests.stack.postgres import PostgresProcess
from tests.stack.process import Home
from tests.stack.rabbitmq import RabbitMQNode
from tests.stack.radosgw import RadosGateway
from tests.stack.server import Server

SERVERS: dict[str, type[Server[Any]]] = {
    kind.name: kind for kind in (RabbitMQNode, PostgresProcess, MinioServer, RadosGateway)
}
T = TypeVar("T")


class Start(NamedTuple):
    """How a server was started; times by the monotonic clock, which all processes of a machine share."""

    handle: Any
    begin: float
    end: float


class Stack:
    """The servers that all tests of a run share; one of several workers starts each, the others find it."""

    def __init__(self, home: Home | None = None) -> None:
        """Use the home of the run, which a worker is told; without one make a new home when it is needed."""
        self._given_home = home
        self._started: list[Server[Any]] = []
        self._threads = ThreadPoolExecutor(len(SERVERS), thread_name_prefix="stack")

    @cached_property
    def home(self) -> Home:
        """Where the servers live."""
        return self._given_home or Home.create()

    def begin(self, names: Iterable[str]) -> None:
        """Start servers in the background; what goes wrong is told to the first test that wants the server."""
        for name in names:
            self._threads.submit(self.start, name)

    def start(self, name: str) -> Start:
        """Start a server, or wait until it is started, and tell how it can be reached."""
        return self.once(name, lambda: self._start(SERVERS[name]))

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Make something once in the whole run, whichever worker comes first, and give it to all."""
        result = self.home.folder / f"{name}.pickle"
        with self._locked(name):
            if not result.exists():
                made = pickle.dumps(make())
                result.write_bytes(made)
            return pickle.loads(result.read_bytes())  # type: ignore[no-any-return]

    def starts(self) -> dict[str, Start]:
        """Tell of all servers that run."""
        return {name: self.start(name) for name in SERVERS if (self.home.folder / f"{name}.pickle").exists()}

    def end(self) -> None:
        """End all servers of the run, unless this is but one of its workers."""
        if self._given_home or "home" not in self.__dict__:
            self._threads.shutdown()
            return
        # first what is still on its way, so that nobody waits for it
        for server in self._started:
            server.end()
        self._threads.shutdown(cancel_futures=True)
        for server in self._started:
            server.end()
        self.home.end()

    def _start(self, kind: type[Server[Any]]) -> Start:
        begin = time.monotonic()
        server = kind(self.home)
        self._started.append(server)
        server.start()
        return Start(server.handle, begin, time.monotonic())

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        with (self.home.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
