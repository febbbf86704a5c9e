"""Half-open intervals of positions: joined where they touch, or lie so near that to read on is cheaper."""

from collections.abc import Callable, Iterable
from itertools import pairwise

Interval = tuple[int, int]
"""Positions from the first up to, but not with, the second."""


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the union, in order; what is empty is left out."""
    found: list[Interval] = []
    for start, end in sorted(intervals):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def bridged(
    intervals: Iterable[Interval], *, near: int, most: int, distance: Callable[[int, int], int]
) -> list[Interval]:
    """Return at most `most` intervals that hold all of these: gaps smaller than `near` are closed, then the smallest.

    distance: of the end of one from the start of the next.
    """
    found = merged(intervals)
    gaps = [(distance(before[1], after[0]), place) for place, (before, after) in enumerate(pairwise(found), 1)]
    kept = sorted(place for gap, place in sorted(gaps, reverse=True)[: most - 1] if gap >= near)
    bounds = [0, *kept, len(found)] if found else []
    return [(found[first][0], found[behind - 1][1]) for first, behind in pairwise(bounds)]
