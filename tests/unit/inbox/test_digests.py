"""Digests that can be taken up again, and parts that are enough for any genome."""

import hashlib

import pytest

from services.inbox.buffers import Buffer, BufferReader
from services.inbox.digests import MIN_PART, Digests, TooLarge, part_size, parts_in_flight

TIB = 1 << 40


def test_ten_thousand_parts_hold_more_than_a_tebibyte() -> None:
    sizes = [part_size(number) for number in range(1, 10_001)]
    assert sum(sizes) == 1_551_892_480_000
    assert sum(sizes) > TIB
    assert sizes == sorted(sizes)
    assert min(sizes) >= MIN_PART
    with pytest.raises(TooLarge):
        part_size(10_001)


def test_a_session_holds_no_more_than_one_large_part_and_its_successor() -> None:
    assert (parts_in_flight(part_size(1)) + 1) * part_size(1) == 48 << 20
    assert (parts_in_flight(part_size(10_000)) + 1) * part_size(10_000) == 512 << 20


def test_copy_goes_on_by_itself() -> None:
    digests = Digests()
    digests.update(memoryview(b"ab"))
    copy = digests.copy()
    digests.update(memoryview(b"c"))
    assert (copy.size, digests.size) == (2, 3)
    assert copy.values()["sha256"] == hashlib.sha256(b"ab").hexdigest()
    assert digests.values() == {"sha256": hashlib.sha256(b"abc").hexdigest(), "md5": hashlib.md5(b"abc").hexdigest()}


def test_buffer_takes_what_fits_and_is_used_again() -> None:
    buffer = Buffer(4096)
    assert buffer.add(memoryview(b"a" * 4000)) == 4000
    assert buffer.add(memoryview(b"b" * 4000)) == 96
    assert buffer.full
    assert bytes(buffer.body) == b"a" * 4000 + b"b" * 96
    assert buffer.empty().body.nbytes == 0


def test_reader_gives_everything_once() -> None:
    reader, target = BufferReader(memoryview(b"abcde")), bytearray(3)
    assert [(reader.readinto(memoryview(target)), bytes(target)) for _ in range(3)] == [
        (3, b"abc"), (2, b"dec"), (0, b"dec"),
    ]  # fmt: skip
