"""What must outlast a kill or a power cut: a file of JSON lines that only grows.

The first line says what was begun, and is on the disk when the call that writes it returns. Each later one says what
was done of it: it outlasts the process at once, and a power cut a second or two later. One that is lost costs only that
the same is done once more; one that was torn is not there.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from shared.errors import UserError
from shared.storage.files import sync_folder

Line = Mapping[str, Any]

_SYNC_EVERY = 1.0
"""Seconds. A disk that is written to by others takes a good part of that for each time."""


class Journal:
    """An open journal, which no other process can open; several threads may add to it."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._adding = Lock()
        self._synced_at = 0.0
        self.lines, whole = whole_lines(file)
        file.truncate(whole)

    def begin(self, head: Line) -> None:
        """Forget what is there, and begin with this line."""
        self.clear()
        write_line(self._file, head)
        self.lines.append(head)

    def clear(self) -> None:
        """Forget what is there."""
        self._file.truncate(0)
        self.lines = []

    def add(self, line: Line) -> None:
        """Write a line; it outlasts the process when this returns."""
        with self._adding:
            self._file.write(_written(line))
            self._file.flush()
            self.lines.append(line)
            due = time.monotonic() >= self._synced_at + _SYNC_EVERY
            if due:
                self._synced_at = time.monotonic()
        if due:  # the other threads go on meanwhile
            os.fsync(self._file.fileno())

    def drop(self) -> None:
        """Remove the journal: what it is about has ended."""
        self._path.unlink(missing_ok=True)


@contextmanager
def journal_at(path: Path) -> Iterator[Journal]:
    """Open a journal, which is made if it is not there: readable to its owner alone, in a folder that is there.

    Raises UserError while another process has it open, OSError. A journal that nothing was written to is removed.
    """
    with _locked(path) as file:
        journal = Journal(path, file)
        try:
            yield journal
        finally:
            if not journal.lines:
                journal.drop()


def whole_lines(file: BinaryIO) -> tuple[list[Line], int]:
    """Return the lines that were written whole, and how many bytes they take."""
    lines: list[Line] = []
    whole = 0
    file.seek(0)
    for line in file:
        found = _parsed(line)
        if found is None:
            break
        lines.append(found)
        whole += len(line)
    return lines, whole


def write_line(file: BinaryIO, line: Line) -> None:
    """Append a line to a file that was opened for it; it lasts when this returns."""
    file.write(_written(line))
    file.flush()
    os.fsync(file.fileno())


def private(path: str, flags: int) -> int:
    """Open a file that nobody but its owner may read: an `opener`."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _written(line: Line) -> bytes:
    return json.dumps(line).encode() + b"\n"


def _parsed(line: bytes) -> Line | None:
    try:
        found = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _locked(path: Path) -> BinaryIO:
    """Open and lock; again if it was removed between the two, by a process that has ended its work."""
    while True:
        file = open(path, "a+b", opener=private)  # noqa: SIM115 - closed by whom it is given to
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sync_folder(path.parent)
        except BlockingIOError:
            file.close()
            raise UserError("another process is at work on it") from None
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()
