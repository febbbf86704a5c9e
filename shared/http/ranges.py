"""The `Range` header (RFC 9110, section 14): one range of bytes, of which there are `size`."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from shared.http.problems import HttpError

# as many digits as the largest object has, and some more; Python is slow with numbers of thousands of digits
_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE)


class RangeInvalid(HttpError):
    """Ask for one range of bytes: `bytes=first-last`, `bytes=first-` or `bytes=-count`."""

    code = "RANGE_INVALID"


class RangeNotSatisfiable(HttpError):
    """The range lies beyond the end."""

    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    code = "RANGE_NOT_SATISFIABLE"

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(f"The range begins beyond the end: there are {size} bytes.")

    @property
    def headers(self) -> Mapping[str, str]:
        """The size, as section 15.5.17 wants it."""
        return {"Content-Range": f"bytes */{self.size}"}


class Span(NamedTuple):
    """Bytes from `start` up to, but not with, `stop`; never empty."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """Count of bytes."""
        return self.stop - self.start

    def content_range(self, size: int) -> str:
        """Return the value of `Content-Range`."""
        return f"bytes {self.start}-{self.stop - 1}/{size}"


def parse_range(value: str | None, size: int) -> Span | None:
    """Return the span that is asked for; None without a range, and for units other than bytes, which are ignored.

    Raises RangeInvalid, also for several ranges, and RangeNotSatisfiable.
    """
    if value is None or not value.lower().startswith("bytes="):
        return None
    found = _RANGE.fullmatch(value)
    if not found or found[1] == found[2] == "":
        raise RangeInvalid
    first, last = found.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1 if last else size)
        if last and int(last) < start:
            raise RangeInvalid
    if start >= size:
        raise RangeNotSatisfiable(size)
    return Span(start, stop)
