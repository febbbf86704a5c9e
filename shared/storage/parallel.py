"""A few parts under way at the same time."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

Result = TypeVar("Result")


def in_order(pool: ThreadPoolExecutor, tasks: Iterator[Callable[[], Result]], *, at_once: int) -> list[Result]:
    """Run the tasks on the pool and return their results in order; the first error ends it, when no task runs any more.

    Task n is asked for only after task n - at_once has ended, so tasks may share a ring of `at_once` buffers.
    """
    results: list[Result] = []
    pending: deque[Future[Result]] = deque()
    try:
        for task in _paced(tasks, pending, results, at_once):
            pending.append(pool.submit(task))
        while pending:
            results.append(pending.popleft().result())
    finally:
        wait(pending)
    return results


def _paced(
    tasks: Iterator[Callable[[], Result]], pending: deque[Future[Result]], results: list[Result], at_once: int
) -> Iterator[Callable[[], Result]]:
    """Give out the tasks one by one, waiting for the oldest that is pending when `at_once` are."""
    while True:
        if len(pending) == at_once:
            results.append(pending.popleft().result())
        task = next(tasks, None)
        if task is None:
            return
        yield task
