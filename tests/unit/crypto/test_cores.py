"""Cores of a process: files come first, helpers take what is left, and nobody has more than there are."""

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.crypto.cores import Cores
from shared.crypto.pipeline import Pipeline, Stage

_WORK = bytes(2**20)


class Working:
    """Counts who is at work at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: set[int] = set()
        self.most = 0
        self.threads: set[int] = set()

    def work(self, _: object) -> None:
        with self._lock:
            self._now.add(threading.get_ident())
            self.threads |= self._now
            self.most = max(self.most, len(self._now))
        hashlib.sha256(_WORK).digest()
        with self._lock:
            self._now.discard(threading.get_ident())


def file(cores: Cores, working: Working, batches: int, begun: Callable[[], object] = lambda: None) -> None:
    """Lead a file through three stages."""
    left = iter(range(batches - 1, -1, -1))

    def fill(_: object) -> bool:
        begun()
        return next(left) > 0

    stages = [Stage[object](work=working.work) for _ in range(3)]
    with cores.for_file():
        Pipeline(make_slot=object, fill=fill, stages=stages).run(cores)


@pytest.mark.parametrize("files", [1, 2, 5])
def test_never_more_threads_work_than_there_are_cores(files: int) -> None:
    cores, working = Cores(3), Working()
    with ThreadPoolExecutor(files) as pool:
        list(pool.map(lambda _: file(cores, working, 30), range(files)))
    assert working.most <= 3


def test_one_file_gets_all_cores() -> None:
    working = Working()
    file(Cores(3), working, 60)
    assert len(working.threads) == 3


def test_a_helper_makes_room_for_a_file_that_waits() -> None:
    cores = Cores(2)
    first, second = Working(), Working()
    with ThreadPoolExecutor(1) as pool:
        helped = threading.Event()

        def watch() -> None:
            if len(first.threads) == 2:
                helped.set()

        other = pool.submit(file, cores, first, 600, watch)
        assert helped.wait(10)
        file(cores, second, 5)
        assert second.most == 1
        assert not other.done()


def test_a_file_waits_while_all_cores_have_one() -> None:
    cores = Cores(1)
    entered = threading.Event()

    def enter() -> None:
        with cores.for_file():
            entered.set()

    with ThreadPoolExecutor(1) as pool:
        with cores.for_file():
            waiting = pool.submit(enter)
            assert not entered.wait(0.05)
            assert cores.wanted
        waiting.result(10)
    assert not cores.wanted


def test_without_a_count_it_is_the_cores_that_the_process_may_run_on() -> None:
    assert Cores().count >= 1
