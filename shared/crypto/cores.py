"""The cores that a process gives to large files: one for each file, and for helpers what is left."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Cores:
    """No more threads work at the same time than there are cores, and no more files are begun.

    So memory is bounded whatever the number of queue workers. Files come first: several files on a core each are
    quicker than one file on all of them. Helpers take only what no file waits for, and give it back when `wanted`.
    """

    def __init__(self, count: int | None = None) -> None:
        """Use `count` cores; None: all that the process may run on."""
        self.count = count or len(os.sched_getaffinity(0))
        self._free = self.count
        self._waiting = 0
        self._changed = threading.Condition()

    @property
    def wanted(self) -> bool:
        """Whether a file waits for a core."""
        return self._waiting > 0

    @contextmanager
    def for_file(self) -> Iterator[None]:
        """Wait for a core, and have it in the block."""
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: self._free)
            self._waiting -= 1
            self._free -= 1
        try:
            yield
        finally:
            self._give_back()

    @contextmanager
    def for_helper(self, is_over: Callable[[], bool]) -> Iterator[bool]:
        """Wait for a core that no file wants, or until the work is over (see `wake`); tell whether there is one."""
        with self._changed:
            self._changed.wait_for(lambda: is_over() or (self._free and not self._waiting))
            lent = not is_over()
            self._free -= lent
        try:
            yield lent
        finally:
            if lent:
                self._give_back()

    def wake(self) -> None:
        """Let helpers see that their work is over."""
        with self._changed:
            self._changed.notify_all()

    def _give_back(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify_all()
