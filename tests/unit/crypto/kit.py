"""Cores for one file."""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.crypto.cores import Cores


@contextmanager
def some_cores(count: int) -> Iterator[Cores | None]:
    """Take a core for the caller and leave the others to helpers; 0: None."""
    if not count:
        yield None
        return
    cores = Cores(count)
    with cores.for_file():
        yield cores
