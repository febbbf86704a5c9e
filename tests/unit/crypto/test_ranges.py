"""Arithmetic of sizes and ranges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.crypto.errors import BodyTruncated
from shared.crypto.ranges import body_size, cipher_range, plain_size
from shared.crypto.segments import CIPHER_SEGMENT, SEGMENT
from tests.unit.crypto.reference import SIZES, data, make_body

offsets = st.one_of(st.integers(0, 4 * SEGMENT), st.integers(0, 2**50))


@pytest.mark.parametrize("size", SIZES)
def test_body_size_is_that_of_a_real_body(size: int) -> None:
    assert body_size(size) == len(make_body(data(size), [bytes(32)]))


@given(size=offsets)
def test_plain_size_inverts_body_size(size: int) -> None:
    assert plain_size(body_size(size)) == size


@pytest.mark.parametrize("whole", [0, 1, 1000])
@pytest.mark.parametrize("rest", [1, 12, 28])
def test_size_that_no_body_has_is_a_truncation(whole: int, rest: int) -> None:
    with pytest.raises(BodyTruncated, match="not complete"):
        plain_size(whole * CIPHER_SEGMENT + rest)


@given(start=offsets, length=offsets)
def test_range_covers_exactly_the_segments_that_are_needed(start: int, length: int) -> None:
    first, behind = cipher_range(start, start + length)
    assert first % CIPHER_SEGMENT == behind % CIPHER_SEGMENT == 0
    plain_first, plain_behind = first // CIPHER_SEGMENT * SEGMENT, behind // CIPHER_SEGMENT * SEGMENT
    if length:
        assert 0 <= start - plain_first < SEGMENT
        assert 0 <= plain_behind - (start + length) < SEGMENT
    else:
        assert first == behind


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 4)])
def test_what_is_no_range_is_a_mistake_of_the_caller(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="not a range"):
        cipher_range(start, end)
