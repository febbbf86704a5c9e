"""Runs one server as long as the process that wants it lives, and leaves nothing of it behind.

Started as a program of its own: `keeper.py OWNER FOLDER LAST_SIGNAL LOG COMMAND...`. The server and all that comes of
it, daemons included, end when the server itself ends, when the keeper is told so by SIGTERM, or when the process
OWNER ends in whatever way; then FOLDER, which belongs to OWNER, is removed too. The process id of the server is
written beside LOG.
"""

import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
FAREWELL_SECONDS = 3.0


def main(owner: int, folder: Path, last_signal: int, log: Path, command: list[str]) -> int:
    """Keep the server; give its exit code."""
    _adopt_orphans()
    told_to_end = _catch_sigterm()
    try:
        owner_end = os.pidfd_open(owner)
    except ProcessLookupError:
        shutil.rmtree(folder, ignore_errors=True)
        return 1
    with log.open("ab") as output:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=0)
    server_end = os.pidfd_open(server.pid)
    log.with_suffix(".pid").write_text(str(server.pid), encoding="ascii")
    ended = _wait_for([owner_end, server_end, told_to_end])
    _end_all(server, server_end, last_signal)
    if owner_end in ended:
        shutil.rmtree(folder, ignore_errors=True)
    return server.returncode


def _adopt_orphans() -> None:
    """Become the parent of every descendant that daemonizes, so that it can be found and ended."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def _catch_sigterm() -> int:
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(writer)
    signal.signal(signal.SIGTERM, lambda *_: None)
    return reader


def _wait_for(descriptors: list[int]) -> set[int]:
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _event in poll.poll()}


def _end_all(server: subprocess.Popen[bytes], server_end: int, last_signal: int) -> None:
    runs = server.poll() is None
    if runs and last_signal:
        server.send_signal(last_signal)
        server.send_signal(signal.SIGCONT)
        select.select([server_end], [], [], FAREWELL_SECONDS)
    while _kill_children():
        time.sleep(0.005)
    server.wait()


def _kill_children() -> bool:
    """Kill the present children and bury the dead ones; False when there are none left.

    Those of killed children become ours, so that repeating this reaches all.
    """
    for pid in _children(os.getpid()):
        os.kill(pid, signal.SIGKILL)
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _children(parent: int) -> list[int]:
    return [pid for pid, its_parent in parents().items() if its_parent == parent]


def parents() -> dict[int, int]:
    """Tell of every process of the machine which one is its parent."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            # "pid (name) state ppid ...", where the name may hold anything, parentheses too
            fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            found[int(entry.name)] = int(fields[1])
    return found


def keepers(folder: Path) -> list[int]:
    """List the keepers that work for the owner of a folder."""
    marks = {os.fsencode(__file__), os.fsencode(folder)}
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if marks <= set((entry / "cmdline").read_bytes().split(b"\0")):
                found.append(int(entry.name))
    return found


if __name__ == "__main__":
    _, owner_pid, owned_folder, farewell, log_file, *server_command = sys.argv
    sys.exit(main(int(owner_pid), Path(owned_folder), int(farewell), Path(log_file), server_command))
