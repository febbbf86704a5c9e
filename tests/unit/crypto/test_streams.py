"""Whole files through encrypt_stream and decrypt_stream."""

import io
import itertools
import logging
import tracemalloc
from collections.abc import Sequence

import crypt4gh.lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.crypto.errors import BodyDamaged, BodyTruncated, NoFittingKey
from shared.crypto.keys import PrivateKey, generate
from shared.crypto.ranges import plain_size
from shared.crypto.reading import Reader
from shared.crypto.segments import CIPHER_SEGMENT, SEGMENT
from shared.crypto.streams import decrypt_stream, encrypt_stream
from tests.unit.crypto.reference import (
    ALICE,
    BOB,
    SIZES,
    Trickle,
    data,
    decrypt_body,
    edited,
    make_file,
    open_packets,
    sample_file,
)


def encrypt(source: Reader, readers: Sequence[PrivateKey] = (ALICE,)) -> bytes:
    sink = io.BytesIO()
    encrypt_stream(source, sink.write, [reader.public for reader in readers])
    return sink.getvalue()


def decrypt(source: Reader, key: PrivateKey = ALICE, start: int | None = None, end: int | None = None) -> bytes:
    sink = io.BytesIO()
    decrypt_stream(source, sink.write, [key], start=start, end=end)
    return sink.getvalue()


@pytest.mark.parametrize("size", SIZES)
def test_encrypted_file_is_what_the_specification_says(size: int) -> None:
    plain = data(size)
    content = encrypt(io.BytesIO(plain), [ALICE, BOB])
    header, body = content[: 16 + 2 * 108], content[16 + 2 * 108 :]
    [payload] = open_packets(header, BOB)
    assert open_packets(header, ALICE) == [payload]
    assert decrypt_body(body, payload[8:]) == plain


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keys", [1, 3])
def test_file_of_the_reference_is_decrypted(size: int, keys: int) -> None:
    plain = data(size)
    header, body = make_file(plain, [BOB, ALICE], keys=keys)
    assert decrypt(io.BytesIO(header + body)) == plain


@pytest.mark.parametrize("size", SIZES)
def test_stock_library_and_we_read_each_other(size: int) -> None:
    plain = data(size)
    theirs, back = io.BytesIO(), io.BytesIO()
    crypt4gh.lib.encrypt([(0, BOB.secret, ALICE.public.raw)], io.BytesIO(plain), theirs)
    assert decrypt(io.BytesIO(theirs.getvalue())) == plain
    crypt4gh.lib.decrypt([(0, ALICE.secret, None)], io.BytesIO(encrypt(io.BytesIO(plain))), back)
    assert back.getvalue() == plain


def test_file_of_the_stock_tools_is_decrypted() -> None:
    content, reader, plain = sample_file()
    assert decrypt(io.BytesIO(content), reader) == plain


@pytest.mark.parametrize("seed", range(3))
def test_short_reads_change_nothing(seed: int) -> None:
    plain = data(2_500_000)
    content = encrypt(Trickle(plain, seed))
    assert decrypt(Trickle(content, seed)) == plain
    assert decrypt(Trickle(content, seed), start=700_000, end=1_900_001) == plain[700_000:1_900_001]


BORDERS = (0, 1, 65535, 65536, 65537, 131_071, 131_072, 150_000, 150_001, 400_000)
RANGES = [(start, end) for start, end in itertools.product(BORDERS, (*BORDERS, None)) if end is None or start <= end]


@pytest.mark.parametrize("edits", [None, [10, 70_000, 60_000, 5, 1], [100_000], [0, 65536, 0, 1]])
def test_every_range_is_a_slice_of_the_file_that_the_reader_sees(edits: list[int] | None) -> None:
    plain = data(150_000)
    visible = edited(plain, edits)
    content = b"".join(make_file(plain, keys=2, edits=edits))
    for start, end in RANGES:
        assert decrypt(io.BytesIO(content), start=start, end=end) == visible[start:end], (start, end)


@settings(max_examples=40, deadline=None)
@given(
    size=st.integers(0, 200_000),
    edits=st.none() | st.lists(st.integers(0, 100_000), max_size=6),
    start=st.none() | st.integers(0, 200_000),
    length=st.none() | st.integers(0, 100_000),
)
def test_edit_list_and_range_together(
    size: int, edits: list[int] | None, start: int | None, length: int | None
) -> None:
    plain = data(size)
    end = None if length is None else (start or 0) + length
    content = b"".join(make_file(plain, edits=edits))
    assert decrypt(io.BytesIO(content), start=start, end=end) == edited(plain, edits)[start:end]


def test_range_reads_nothing_behind_its_last_segment() -> None:
    header, body = make_file(data(10 * SEGMENT))
    source = Trickle(header + body)
    decrypt(source, start=2 * SEGMENT, end=3 * SEGMENT)
    assert source.given == len(header) + 3 * CIPHER_SEGMENT


def test_damage_outside_of_the_range_does_no_harm() -> None:
    plain = data(5 * SEGMENT)
    header, body = make_file(plain)
    damaged = bytearray(body)
    damaged[20] ^= 1
    assert decrypt(io.BytesIO(header + damaged), start=SEGMENT) == plain[SEGMENT:]


@settings(max_examples=60, deadline=None)
@given(position=st.integers(0, 3 * CIPHER_SEGMENT + 1027), bit=st.integers(0, 7))
def test_flipped_bit_is_told_with_its_segment(position: int, bit: int) -> None:
    header, body = _STORED
    damaged = bytearray(body)
    damaged[position] ^= 1 << bit
    segment = position // CIPHER_SEGMENT
    with pytest.raises(BodyDamaged, match=f"segment {segment} ") as caught:
        decrypt(io.BytesIO(header + damaged))
    assert caught.value.segment == segment


_STORED = make_file(data(3 * SEGMENT + 1000), keys=2)


def test_segment_of_a_range_is_counted_from_the_start_of_the_file() -> None:
    header, body = _STORED
    with pytest.raises(BodyDamaged, match="segment 3 "):
        decrypt(io.BytesIO(header + body[:-1] + bytes([body[-1] ^ 1])), start=2 * SEGMENT)


@pytest.mark.parametrize("rest", [1, 12, 27, 28, 29, 1027, 65563])
@pytest.mark.parametrize("segments", [0, 1, 2])
def test_truncation_inside_a_segment_is_refused(segments: int, rest: int) -> None:
    header, body = _STORED
    with pytest.raises(BodyTruncated if rest <= 28 else BodyDamaged):
        decrypt(io.BytesIO(header + body[: segments * CIPHER_SEGMENT + rest]))


@pytest.mark.parametrize("segments", [0, 1, 3])
def test_truncation_between_segments_shows_by_the_size_alone(segments: int) -> None:
    header, body = _STORED
    cut = body[: segments * CIPHER_SEGMENT]
    assert len(decrypt(io.BytesIO(header + cut))) == plain_size(len(cut)) == segments * SEGMENT


def test_stranger_reads_nothing() -> None:
    with pytest.raises(NoFittingKey):
        decrypt(io.BytesIO(encrypt(io.BytesIO(b"x"))), generate())


def test_progress_counts_what_was_read() -> None:
    plain, told, sink = data(3_000_000), [0], io.BytesIO()
    encrypt_stream(io.BytesIO(plain), sink.write, [ALICE.public], on_progress=told.append)
    assert told == sorted(told)
    assert told[-1] == len(plain)
    told.clear()
    sink.seek(0)
    decrypt_stream(sink, lambda _: None, [ALICE], on_progress=told.append)
    assert told[-1] == len(sink.getvalue())


class Zeros:
    """A long file that takes no memory."""

    def __init__(self, size: int) -> None:
        self.left = size

    def readinto(self, buffer: memoryview, /) -> int:
        count = min(self.left, len(buffer))
        self.left -= count
        return count


def test_memory_is_constant() -> None:
    content = encrypt(Zeros(24_000_000))
    tracemalloc.start()
    decrypt_stream(io.BytesIO(content), lambda _: None, [ALICE])
    encrypt_stream(Zeros(24_000_000), lambda _: None, [ALICE.public])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000


def test_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        decrypt(io.BytesIO(b"".join(make_file(data(200_000), [BOB, ALICE], keys=3))))
    assert caplog.records == []
