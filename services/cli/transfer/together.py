"""Work on several threads at once, in bounded memory."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

Result = TypeVar("Result")


def all_of(pool: ThreadPoolExecutor, tasks: Iterable[Callable[[], Result]]) -> list[Result]:
    """Run the tasks and return their results in order; the first error ends it, when none of them runs any more."""
    futures = [pool.submit(task) for task in tasks]
    try:
        wait(futures, return_when=FIRST_EXCEPTION)
    finally:
        for future in futures:
            future.cancel()
        wait(futures)
    failed = next((error for one in futures if not one.cancelled() and (error := one.exception())), None)
    if failed is not None:
        raise failed
    return [future.result() for future in futures]


class Buffers:
    """Memory that the threads may hold together; one of them gets what it asks for, however much that is.

    What is given back is lent again, since new memory costs the system as much time as encrypting what it holds.
    """

    def __init__(self, limit: int) -> None:
        """`limit` in bytes."""
        self._limit = limit
        self._used = 0
        self._free: list[bytearray] = []
        self._changed = threading.Condition()

    @contextmanager
    def of(self, size: int) -> Iterator[memoryview]:
        """Wait until so many bytes are free, and yield them; they hold whatever was there before."""
        with self._changed:
            self._changed.wait_for(lambda: not self._used or self._used + size <= self._limit)
            self._used += size
            buffer = self._free.pop() if self._free else bytearray()
        if len(buffer) < size:
            buffer = bytearray(size)
        try:
            yield memoryview(buffer)[:size]
        finally:
            with self._changed:
                self._used -= size
                self._free.append(buffer)
                self._changed.notify_all()
