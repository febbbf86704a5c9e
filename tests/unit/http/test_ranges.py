"""Ranges mean what slices mean."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.http.ranges import RangeInvalid, RangeNotSatisfiable, Span, parse_range

sizes = st.integers(min_value=0, max_value=300)
positions = st.integers(min_value=0, max_value=400)


def _taken(data: bytes, span: Span | None) -> bytes:
    assert span is not None
    assert 0 <= span.start < span.stop <= len(data)
    assert span.length == span.stop - span.start
    return data[span.start : span.stop]


def _check(value: str, data: bytes, wanted: bytes) -> None:
    if wanted:
        assert _taken(data, parse_range(value, len(data))) == wanted
    else:
        with pytest.raises(RangeNotSatisfiable) as refusal:
            parse_range(value, len(data))
        assert refusal.value.headers == {"Content-Range": f"bytes */{len(data)}"}


@given(size=sizes, first=positions, count=st.integers(min_value=1, max_value=400))
@settings(deadline=None)
def test_first_and_last_are_a_slice(size: int, first: int, count: int) -> None:
    data = bytes(index % 251 for index in range(size))
    _check(f"bytes={first}-{first + count - 1}", data, data[first : first + count])


@given(size=sizes, first=positions)
@settings(deadline=None)
def test_open_range_is_a_slice(size: int, first: int) -> None:
    data = bytes(index % 251 for index in range(size))
    _check(f"bytes={first}-", data, data[first:])


@given(size=sizes, count=positions)
@settings(deadline=None)
def test_suffix_is_a_slice(size: int, count: int) -> None:
    data = bytes(index % 251 for index in range(size))
    _check(f"bytes=-{count}", data, data[max(0, size - count) :])


@given(size=sizes, text=st.text(alphabet="0123456789-, =bytes\x00٣", max_size=12))
@settings(deadline=None)
def test_anything_else_is_refused_in_our_own_words(size: int, text: str) -> None:
    try:
        span = parse_range(f"bytes={text}", size)
    except (RangeInvalid, RangeNotSatisfiable):
        return
    assert span is not None
    assert 0 <= span.start < span.stop <= size


@pytest.mark.parametrize(
    "value", ["bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,3-4", "bytes=a-b", "bytes=1", "bytes=+1-2", "bytes=٣-٤"]
)
def test_malformed_and_multiple_ranges_are_refused(value: str) -> None:
    with pytest.raises(RangeInvalid):
        parse_range(value, 100)


def test_numbers_of_thousands_of_digits_are_refused() -> None:
    with pytest.raises(RangeInvalid):
        parse_range(f"bytes={'9' * 50_000}-", 100)


@pytest.mark.parametrize("value", [None, "items=0-5", "lines"])
def test_other_units_are_ignored(value: str | None) -> None:
    assert parse_range(value, 100) is None


def test_span_says_what_it_is() -> None:
    assert Span(10, 20).content_range(100) == "bytes 10-19/100"
