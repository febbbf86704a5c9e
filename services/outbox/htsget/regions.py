"""What of a file is asked for: all, its header, or regions (htsget 1.3, sections "Query parameters", "POST")."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from services.outbox.htsget.errors import InvalidInput, InvalidRange

ANYWHERE = "*"
"""Stands for the reference of reads that have none."""
LAST = 1 << 62
"""Behind every position."""
MOST_REGIONS = 5000

_MOST_DIGITS = 18
_NOT_WITH_HEADER = ("regions", "fields", "tags", "notags")


class Region(NamedTuple):
    """Positions of a reference from `start` (the first is 0) up to, but not with, `end`."""

    name: str
    start: int
    end: int


class Selection(NamedTuple):
    """The header alone, or it and these regions; none: all."""

    header_only: bool
    regions: tuple[Region, ...]

    @property
    def is_all(self) -> bool:
        """Whether the whole file is wanted."""
        return not self.header_only and not self.regions


def selection_of(query: Mapping[str, Any]) -> Selection:
    """Read the body of a POST. Raises InvalidInput, InvalidRange."""
    kind, regions = query.get("class"), query.get("regions") or ()
    if kind not in {None, "header"}:
        raise InvalidInput("The only class that can be asked for is `header`.")
    if kind and any(query.get(name) is not None for name in _NOT_WITH_HEADER):
        raise InvalidInput("With `class=header` nothing but `format` can be said.")
    if not isinstance(regions, list | tuple) or len(regions) > MOST_REGIONS:
        raise InvalidInput(f"`regions` are a list of at most {MOST_REGIONS}.")
    return Selection(kind is not None, tuple(map(_region, regions)))


def as_body(query: Mapping[str, str]) -> dict[str, Any]:
    """Return the parameters of a GET as a POST would say them."""
    region = {name: query[name] for name in ("referenceName", "start", "end") if name in query}
    return {**query, **({"regions": [region]} if region else {})}


def _region(said: Any) -> Region:  # noqa: ANN401 - from JSON
    if not isinstance(said, dict):
        raise InvalidInput
    name, start, end = said.get("referenceName"), _position(said.get("start")), _position(said.get("end"))
    if name is not None and not isinstance(name, str):
        raise InvalidInput
    if not name or (name == ANYWHERE and (start, end) != (None, None)):
        raise InvalidInput("A region needs the name of a reference.")
    if start is not None and end is not None and end <= start:
        raise InvalidRange
    return Region(name, start or 0, LAST if end is None else end)


def _position(said: Any) -> int | None:  # noqa: ANN401 - from JSON
    text = str(said) if isinstance(said, int) and not isinstance(said, bool) else said
    if text is None:
        return None
    if not (isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise InvalidInput
    return int(text)
