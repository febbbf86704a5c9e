"""Which file it is, and whether it is still the one that it was."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shared.errors import UserError


class SourceChanged(UserError):
    """The file was changed while it was sent: nothing of it was kept. Send it again when it is whole."""


@dataclass(frozen=True)
class Identity:
    """What changes when a file is written to or replaced; not its device, which a network file system may rename."""

    inode: int
    size: int
    mtime_ns: int

    def record(self) -> dict[str, Any]:
        return asdict(self)


def identity_of(descriptor: int) -> Identity:
    """Return the identity of an open file."""
    found = os.fstat(descriptor)
    return Identity(found.st_ino, found.st_size, found.st_mtime_ns)


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open a file to read. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
