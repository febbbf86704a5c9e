"""CPU time and memory of processes, as the kernel counts them."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from tests.stack.process import Process

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(process: Process) -> float:
    """Return the CPU time of a process and all its descendants so far, the ended ones among them."""
    return cpu_seconds_of(process.family())


def cpu_seconds_of(pids: Iterable[int]) -> float:
    """Return the CPU time of processes so far, with that of their children that have ended."""
    return sum(map(_ticks, pids)) / TICKS


def peak_memory(process: Process) -> int:
    """Return the largest resident set of a process so far, bytes."""
    return _status(process.pid, "VmHWM")


def resident_memory(process: Process) -> int:
    """Return the resident set of a process, bytes."""
    return _status(process.pid, "VmRSS")


def _ticks(pid: int) -> int:
    # "pid (name) state ...": utime, stime, and those of children that were waited for, are fields 14 to 17
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it has just ended: its time is its parent's now
    return sum(map(int, text.rpartition(")")[2].split()[11:15]))


def _status(pid: int, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"), re.MULTILINE)
    assert found, f"process {pid} has no {name}"
    return int(found[1]) * 1024
