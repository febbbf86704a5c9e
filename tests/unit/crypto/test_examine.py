"""The one read of verify."""

import hashlib
import io
import threading
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.crypto.errors import BodyDamaged, BodyTruncated, NoFittingKey
from shared.crypto.examine import Examination, examine
from shared.crypto.header import header_length
from shared.crypto.keys import generate
from shared.crypto.segments import CIPHER_SEGMENT, SEGMENT
from tests.unit.crypto.kit import some_cores
from tests.unit.crypto.reference import ALICE, BOB, SIZES, Trickle, data, edited, make_file, sample_file

BATCH = 16 * SEGMENT


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def expected(header: bytes, body: bytes, plain: bytes) -> Examination:
    return Examination(
        upload={"sha256": sha256(header + body), "md5": md5(header + body)},
        archived={"sha256": sha256(body)},
        plain={"sha256": sha256(plain), "md5": md5(plain)},
        body_size=len(body),
        plain_size=len(plain),
        fingerprint=ALICE.fingerprint,
    )


@pytest.mark.parametrize("cores", [0, 1, 2, 3])
@pytest.mark.parametrize("size", [*SIZES, BATCH - 1, BATCH, BATCH + 1, 9 * BATCH + 5])
def test_findings_are_those_of_the_reference(size: int, cores: int) -> None:
    plain = data(size)
    header, body = make_file(plain, [BOB, ALICE], keys=3)
    with some_cores(cores) as lent:
        found = examine(header, Trickle(body), [generate(), ALICE], md5_upload=True, cores=lent)
    assert found == expected(header, body, plain)


@settings(max_examples=15, deadline=None)
@given(
    edits=st.lists(st.integers(0, 300_000) | st.integers(0, 2**45), max_size=7),
    size=st.integers(0, 2_300_000),
    cores=st.integers(0, 2),
)
def test_plain_digests_are_of_the_edited_file(edits: list[int], size: int, cores: int) -> None:
    plain = data(size)
    header, body = make_file(plain, edits=edits)
    with some_cores(cores) as lent:
        found = examine(header, io.BytesIO(body), [ALICE], md5_upload=True, cores=lent)
    assert found == expected(header, body, edited(plain, edits))


def test_file_of_the_stock_tools_is_whole() -> None:
    content, reader, plain = sample_file()
    length = header_length(content)
    assert length is not None
    found = examine(content[:length], io.BytesIO(content[length:]), [reader])
    assert found.upload == {"sha256": sha256(content)}
    assert found.archived == {"sha256": sha256(content[length:])}
    assert found.plain == {"sha256": sha256(plain), "md5": md5(plain)}
    assert (found.plain_size, found.body_size) == (len(plain), len(content) - length)


def test_md5_is_taken_where_it_is_wanted_only() -> None:
    header, body = make_file(b"ACGT")
    found = examine(header, io.BytesIO(body), [ALICE], md5_plain=False)
    assert (set(found.upload), set(found.archived), set(found.plain)) == ({"sha256"}, {"sha256"}, {"sha256"})


PLAIN = data(12 * BATCH + 777)
HEADER, BODY = make_file(PLAIN)


@pytest.mark.parametrize("cores", [0, 1, 2])
@pytest.mark.parametrize("position", [0, 5, 40 * CIPHER_SEGMENT + 60_000, len(BODY) - 1])
def test_flipped_bit_is_told_with_its_segment(position: int, cores: int) -> None:
    damaged = bytearray(BODY)
    damaged[position] ^= 64
    with some_cores(cores) as lent, pytest.raises(BodyDamaged) as caught:
        examine(HEADER, io.BytesIO(damaged), [ALICE], cores=lent)
    assert caught.value.segment == position // CIPHER_SEGMENT


@pytest.mark.parametrize("cores", [0, 1, 2])
@pytest.mark.parametrize("segments", [0, 1, 16, 100])
def test_truncation_inside_a_segment_is_refused(segments: int, cores: int) -> None:
    with some_cores(cores) as lent, pytest.raises(BodyTruncated):
        examine(HEADER, io.BytesIO(BODY[: segments * CIPHER_SEGMENT + 28]), [ALICE], cores=lent)


@pytest.mark.parametrize("segments", [0, 16, 32, 50])
def test_truncation_between_segments_shows_by_the_size(segments: int) -> None:
    found = examine(HEADER, io.BytesIO(BODY[: segments * CIPHER_SEGMENT]), [ALICE])
    assert found.plain_size == segments * SEGMENT
    assert found.body_size == segments * CIPHER_SEGMENT


class Breaking:
    """A source that breaks after some bytes."""

    def __init__(self, content: bytes, error: BaseException) -> None:
        self._stream = io.BytesIO(content)
        self._error = error

    def readinto(self, buffer: memoryview, /) -> int:
        count = self._stream.readinto(buffer)
        if not count:
            raise self._error
        return count


@pytest.mark.parametrize("cores", [0, 1, 2, 3])
@pytest.mark.parametrize("length", [0, 1000, 3 * BATCH, len(BODY)])
@pytest.mark.parametrize("error", [ConnectionResetError("gone"), KeyboardInterrupt()])
def test_error_of_the_reader_comes_through_as_it_is(length: int, cores: int, error: BaseException) -> None:
    with some_cores(cores) as lent, pytest.raises(type(error)) as caught:
        examine(HEADER, Breaking(BODY[:length], error), [ALICE], cores=lent)
    assert caught.value is error


def test_file_for_somebody_else_is_not_read() -> None:
    source = Trickle(BODY)
    with pytest.raises(NoFittingKey):
        examine(HEADER, source, [BOB])
    assert source.given == 0


class Watching:
    """A source that notes which threads read, and whether two ever read at once."""

    def __init__(self, content: bytes) -> None:
        self._stream = io.BytesIO(content)
        self._lock = threading.Lock()
        self.most_threads = 0
        self.together = False

    def readinto(self, buffer: memoryview, /) -> int:
        free = self._lock.acquire(blocking=False)
        self.together = self.together or not free
        self.most_threads = max(self.most_threads, threading.active_count())
        try:
            return self._stream.readinto(buffer)
        finally:
            if free:
                self._lock.release()


def test_body_is_read_by_one_worker_at_a_time() -> None:
    before, source = threading.active_count(), Watching(BODY)
    with some_cores(3) as lent:
        examine(HEADER, source, [ALICE], cores=lent)
    assert not source.together
    assert source.most_threads == before + 3


@pytest.mark.parametrize(("cores", "most"), [(0, 3_000_000), (1, 9_000_000), (2, 9_000_000)])
def test_memory_is_constant(cores: int, most: int) -> None:
    body = io.BytesIO(BODY)
    tracemalloc.start()
    with some_cores(cores) as lent:
        examine(HEADER, body, [ALICE], cores=lent)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < most


def test_largest_edit_list_stays_within_the_memory() -> None:
    header, content = make_file(PLAIN, edits=[1, 1] * 16_000)
    body = io.BytesIO(content)
    tracemalloc.start()
    examine(header, body, [ALICE])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 2**20
