"""Intervals are joined without losing or inventing more than was allowed."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.genomics.intervals import Interval, bridged, merged

intervals = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), max_size=20)


def positions(found: list[Interval]) -> set[int]:
    return {position for start, end in found for position in range(start, end)}


@given(intervals)
def test_union_holds_what_the_parts_hold(parts: list[Interval]) -> None:
    found = merged(parts)
    assert positions(found) == positions(parts)
    assert all(before[1] < after[0] for before, after in pairwise(found))


@given(intervals, st.integers(0, 30), st.integers(1, 5))
def test_bridges_close_small_gaps_first(parts: list[Interval], near: int, most: int) -> None:
    found = bridged(parts, near=near, most=most, distance=lambda end, start: start - end)
    assert positions(found) >= positions(parts)
    assert len(found) <= most
    left = [after[0] - before[1] for before, after in pairwise(found)]
    union = merged(parts)
    gaps = sorted((after[0] - before[1] for before, after in pairwise(union)), reverse=True)
    assert sorted(left, reverse=True) == [gap for gap in gaps if gap >= near][: most - 1]
