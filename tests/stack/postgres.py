"""PostgreSQL, of the newest major version that is installed."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from tests.stack.handles import PostgresServer
from tests.stack.ports import free_ports
from tests.stack.process import Home, Process, required, run
from tests.stack.server import Server

SETTINGS = {
    # a commit survives a crash of the server, not of the machine; `synchronous_commit` stays on, else it would not even
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # in the data folder, not in /dev/shm
    "dynamic_shared_memory_type": "mmap",
}


class PostgresProcess(Server[PostgresServer]):
    """One PostgreSQL cluster; as root it runs as the user `postgres`, since it refuses to run as root."""

    name = "postgres"

    def __init__(self, home: Home, *, settings: Mapping[str, str] | None = None) -> None:
        """`settings` go before those of the tests."""
        super().__init__(home)
        [self._port] = free_ports(1)
        self._settings = SETTINGS | dict(settings or {})

    @property
    def handle(self) -> PostgresServer:
        """Address and superuser."""
        return PostgresServer(host="127.0.0.1", port=self._port, user="tests", password=self.password)

    @cached_property
    def _front(self) -> Process:
        settings = [f"--{name}={value}" for name, value in (self._settings | {"port": str(self._port)}).items()]
        command = _unprivileged([program("postgres"), "-D", self._path("data"), *settings])
        # an "immediate" shutdown gives its shared memory back to the system, which SIGKILL does not
        last = signal.SIGQUIT
        return Process(name="postgres", home=self._home, folder=self._folder, command=command, last_signal=last)

    def stop(self) -> None:
        """Stop the server in the orderly way, without waiting for clients to leave ("fast" shutdown)."""
        self._front.stop(signal.SIGINT)

    def stop_immediately(self) -> None:
        """Stop the server as a crash does: all connections break, and the next start recovers from the log."""
        self._front.stop(signal.SIGQUIT)

    def _prepare(self) -> None:
        secret = self._path("password")
        secret.write_text(self.password, encoding="ascii")
        if os.geteuid() == 0:
            # it belongs to the user that the server runs as
            run(["chown", "postgres", self._folder, secret], folder=self._folder)
        data: list[str | Path] = [
            "-D",
            self._path("data"),
            "-U",
            self.handle.user,
            "--pwfile",
            secret,
            "-A",
            "scram-sha-256",
        ]
        locale = ["-E", "UTF8", "--locale=C.UTF-8"]
        run(_unprivileged([program("initdb"), "--no-sync", *data, *locale]), folder=self._folder)

    def _answers(self) -> bool:
        try:
            with administrator(self.handle) as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False


@contextmanager
def administrator(server: PostgresServer, database: str = "postgres") -> Iterator[psycopg.Connection]:
    """Connect as superuser, each statement in a transaction of its own."""
    with psycopg.connect(server.dsn(database), autocommit=True, connect_timeout=5) as connection:
        yield connection


def create_database(server: PostgresServer, name: str, *, template: str = "template1") -> None:
    """Make a database as a copy of another one, which nobody may use meanwhile."""
    with administrator(server) as connection:
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template)))


def drop_database(server: PostgresServer, name: str) -> None:
    """Drop a database, whoever uses it; harmless when it does not exist."""
    with administrator(server) as connection:
        connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))


def program(name: str) -> Path:
    """Find a program of the newest PostgreSQL; raises `ServerError`."""
    homes = Path("/usr/lib/postgresql").glob("[0-9]*")
    return required(*(home / "bin" / name for home in sorted(homes, key=lambda home: float(home.name))))


def _unprivileged(command: list[str | Path]) -> list[str | Path]:
    if os.geteuid():
        return command
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", *command]
