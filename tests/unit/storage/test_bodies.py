import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from shared.storage.bodies import ExpectedBody
from shared.storage.copying import read_exactly
from shared.storage.errors import StoreUnavailable
from shared.storage.parallel import in_order


def test_a_body_ends_where_it_is_expected_to() -> None:
    buffer = memoryview(bytearray(10))
    body = ExpectedBody(io.BytesIO(b"0123456789"), 4)
    assert read_exactly(body, buffer) == 4
    assert body.readinto(buffer) == 0


def test_an_early_end_is_a_fault() -> None:
    body = ExpectedBody(io.BytesIO(b"0123"), 5)
    with pytest.raises(StoreUnavailable, match="1 bytes before its end"):
        read_exactly(body, memoryview(bytearray(10)))


def test_an_empty_buffer_is_no_end_of_the_source() -> None:
    assert ExpectedBody(io.BytesIO(b""), 5).readinto(memoryview(b"")) == 0


def test_results_come_in_the_order_of_the_tasks() -> None:
    with ThreadPoolExecutor(3) as pool:
        assert in_order(pool, (partial(pow, n, 2) for n in range(50)), at_once=3) == [n * n for n in range(50)]


def test_no_task_is_asked_for_before_its_place_is_free() -> None:
    running, most = set[int](), 0
    lock = threading.Lock()

    def task(number: int) -> None:
        with lock:
            running.discard(number)

    def tasks() -> Iterator[Callable[[], None]]:
        nonlocal most
        for number in range(100):
            with lock:
                assert number - 3 not in running
                running.add(number)
                most = max(most, len(running))
            yield partial(task, number)

    with ThreadPoolExecutor(8) as pool:
        in_order(pool, tasks(), at_once=3)
    assert 1 <= most <= 3


def test_the_first_error_ends_it_when_no_task_runs_any_more() -> None:
    ended = threading.Event()
    goes_on = threading.Event()

    def fails() -> None:
        goes_on.set()
        raise StoreUnavailable

    def lasts() -> None:
        goes_on.wait(10)
        ended.set()

    with ThreadPoolExecutor(4) as pool, pytest.raises(StoreUnavailable):
        in_order(pool, iter([fails, lasts]), at_once=2)
    assert ended.is_set()
