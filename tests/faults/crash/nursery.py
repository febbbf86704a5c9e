"""A process that has imported everything, and forks a node whenever it is told to.

For each line on the standard input of `python -m tests.faults.crash.nursery`, a task, it writes the pid of the node
and, when that has ended, its exit code.
"""

import ctypes
import faulthandler
import os
import select
import signal
import subprocess
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.faults.crash.task import Task, parse

ROOT = Path(__file__).parents[3]
_SET_DEATH_SIGNAL = 1


class Node:
    """A node that was forked."""

    def __init__(self, nursery: "Nursery", pid: int) -> None:
        self.pid = pid
        self._nursery = nursery
        self._code: int | None = None

    def code(self) -> int | None:
        """Return the exit code if the node has ended."""
        if self._code is None and self._nursery.has_answer(0):
            self._code = self._nursery.answer()
        return self._code

    def wait(self, seconds: float = 60) -> int:
        """Wait for the end of the node, and return its exit code."""
        if self._code is None:
            assert self._nursery.has_answer(seconds), f"the node does not end within {seconds} s"
            self._code = self._nursery.answer()
        return self._code

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask the node to stop, and return its exit code."""
        if self.code() is None:
            with suppress(ProcessLookupError):  # it may come to its point just now
                os.kill(self.pid, how)
        return self.wait()


class Nursery:
    """The process as a context manager; it has one node at a time."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.faults.crash.nursery"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._node: Node | None = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def start(self, task: Task) -> Node:
        """Fork a node."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{task.line()}\n".encode())
        self._node = Node(self, self.answer())
        return self._node

    def clear(self) -> None:
        """End a node that a failed test has left behind."""
        if self._node is not None:
            self._node.stop(signal.SIGKILL)

    def has_answer(self, seconds: float) -> bool:
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], seconds)[0])

    def answer(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


def main() -> None:
    """Fork a node for every line."""
    die_with_parent()
    host = import_module("tests.faults.crash.hosting").host
    for module in ("sqlalchemy.dialects.sqlite.pysqlite", "sqlalchemy.dialects.postgresql.psycopg"):
        import_module(module)
    for service in import_module("services.cli.registry").SERVICES:
        import_module(f"services.{service}.settings")
        import_module(f"services.{service}.wiring")
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            become(host, parse(line))
        say(pid)
        _, status = os.waitpid(pid, 0)
        say(os.waitstatus_to_exitcode(status))


def become(host: object, task: Task) -> None:
    """Run a node in this process, with its output in a file."""
    die_with_parent()
    assert callable(host)
    output = os.open(task.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    faulthandler.register(signal.SIGUSR1)
    code = 0
    try:
        host(task)
    except BaseException:  # noqa: BLE001 - the process must not go on as a nursery
        traceback.print_exc()
        code = 1
    sys.stderr.flush()
    os._exit(code)


def die_with_parent() -> None:
    """Let no process outlive the test run, however that ends."""
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)


def say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
