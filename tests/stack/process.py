"""A process of a server: started, stopped, killed, frozen; gone with the test run, however that ends."""

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.stack import keeper

INSTALL = "make servers"


class ServerError(Exception):
    """A server of the tests is missing, does not start or does not stop."""


@dataclass(frozen=True)
class Home:
    """Where the servers of one test run live: its temporary folder, and the process whose end is theirs."""

    folder: Path
    owner: int

    @classmethod
    def create(cls) -> "Home":
        """Make a new folder that belongs to this process."""
        folder = Path(tempfile.mkdtemp(prefix="strongroom-tests-"))
        # servers that run as another user live below it
        folder.chmod(0o711)
        return cls(folder, os.getpid())

    def subfolder(self, name: str) -> Path:
        """Make a new folder for one server."""
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))
        folder.chmod(0o711)
        return folder

    def end(self) -> None:
        """End all servers of the run, whoever started them, and remove the folder."""
        ends = [end for pid in keeper.keepers(self.folder) if (end := _told_to_end(pid))]
        for end in ends:
            select.select([end], [], [], 10)
            os.close(end)
        shutil.rmtree(self.folder)


def _told_to_end(pid: int) -> int | None:
    """Tell a keeper to end; give a descriptor that becomes readable when it has."""
    try:
        end = os.pidfd_open(pid)
        signal.pidfd_send_signal(end, signal.SIGTERM)
    except ProcessLookupError:
        return None
    return end


class Process:
    """One server process and all its descendants, run by a keeper (see `keeper`)."""

    def __init__(
        self,
        *,
        name: str,
        home: Home,
        folder: Path,
        command: Sequence[str | Path],
        environment: Mapping[str, str] | None = None,
        last_signal: int = 0,
    ) -> None:
        """`last_signal` is sent before SIGKILL when the run is over, for servers that else leave shared memory."""
        self.log = folder / f"{name}.log"
        self._pid_file = self.log.with_suffix(".pid")
        self._name = name
        self._folder = folder
        self._environment = _environment(folder) | dict(environment or {})
        # -I -S: only the standard library, so that it starts at once
        keep = [sys.executable, "-I", "-S", keeper.__file__, str(home.owner), str(home.folder), str(last_signal)]
        self._command = [*keep, str(self.log), *map(str, command)]
        self._keeper: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process has been started and has not ended."""
        return self._keeper is not None and self._keeper.poll() is None

    def start(self) -> None:
        """Start the process; what it says goes to its log file."""
        self._pid_file.unlink(missing_ok=True)
        with self.log.open("ab") as output:
            self._keeper = subprocess.Popen(
                self._command,
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def ensure(self) -> None:
        """Start the process unless it runs."""
        if not self.running:
            self.start()

    def stop(self, with_signal: int = signal.SIGTERM, *, within: float = 30) -> None:
        """Ask the process to end, and kill it if it does not; harmless when it does not run."""
        if self._keeper is None:
            return
        self.send(with_signal)
        try:
            self._keeper.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerError(
                f"{self._name} did not stop within {within} s; its last words:\n{self.last_words()}"
            ) from None

    @property
    def pid(self) -> int:
        """Number of the process itself, while it runs."""
        return int(self._pid_file.read_text(encoding="ascii"))

    def send(self, number: int) -> None:
        """Send a signal to the process itself, not to its descendants."""
        if self.running:
            _send(self.pid, number)

    def kill(self) -> None:
        """End the process and its descendants by SIGKILL; harmless when it does not run."""
        for pid in self.family():
            _send(pid, signal.SIGKILL)
        if self._keeper is not None:
            self._keeper.wait(10)

    def end(self) -> None:
        """End the process for good, as when the run is over."""
        if self._keeper is not None:
            self._keeper.terminate()
            self._keeper.wait(10)

    def pause(self) -> None:
        """Freeze the process and its descendants: connections stay open and nobody answers."""
        frozen: set[int] = set()
        # again for those that were born meanwhile
        while awake := [pid for pid in self.family() if pid not in frozen]:
            for pid in awake:
                _send(pid, signal.SIGSTOP)
            frozen.update(awake)

    def resume(self) -> None:
        """Let a frozen process go on."""
        for pid in self.family():
            _send(pid, signal.SIGCONT)

    def family(self) -> list[int]:
        """List the process and its descendants, parents first."""
        if self._keeper is None or not self.running:
            return []
        parents = keeper.parents()
        family: list[int] = []
        generation = [self._keeper.pid]
        while generation:
            generation = [pid for pid, parent in parents.items() if parent in generation]
            family += generation
        return family

    def last_words(self) -> str:
        """Give the end of the log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:] if self.log.exists() else ""


def run(command: Sequence[str | Path], *, folder: Path, given: str | None = None, within: float = 60) -> str:
    """Run a program to its end and give what it printed; raises `ServerError` with its words if it fails."""
    done = subprocess.run(
        ["setpriv", "--pdeathsig=KILL", "--", *map(str, command)],
        env=_environment(folder),
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )
    if done.returncode:
        raise ServerError(f"{command[0]} failed with {done.returncode}: {done.stderr or done.stdout}")
    return done.stdout


def wait_until(condition: Callable[[], bool], *, within: float, what: str, process: Process | None = None) -> None:
    """Poll until the condition holds; give up at the deadline, or when the process has ended."""
    deadline = time.monotonic() + within
    while not condition():
        words = process.last_words() if process else ""
        if process and not process.running:
            raise ServerError(f"{what}: it ended; its last words:\n{words}")
        if time.monotonic() > deadline:
            raise ServerError(f"{what}: not within {within} s; its last words:\n{words}")
        select.select([], [], [], 0.03)


def required(*candidates: Path) -> Path:
    """Give the last of the programs that is installed; raises `ServerError` with the line that installs it."""
    installed = [program for program in candidates if os.access(program, os.X_OK)]
    if not installed:
        raise ServerError(f"{' or '.join(map(str, candidates)) or 'a server'} is missing; install it: {INSTALL}")
    return installed[-1]


def _environment(folder: Path) -> dict[str, str]:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    return {"PATH": path, "LANG": "C.UTF-8", "HOME": str(folder), "TMPDIR": str(folder)}


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
