"""Pages of long lists: `pageSize` and an opaque `pageToken` that names the last entry of the page before."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from shared.http.problems import HttpError

DEFAULT_SIZE = 100
LARGEST = 1000
_MARK = 8
_LONGEST_TOKEN = 4096


class InvalidPageSize(HttpError):
    """`pageSize` is a number from 1 to 1000."""

    code = "INVALID_PAGE_SIZE"


class InvalidPageToken(HttpError):
    """`pageToken` is the `nextPageToken` of the same list."""

    code = "INVALID_PAGE_TOKEN"


class Page(NamedTuple):
    """At most `size` entries behind the entry `after`; empty: from the start."""

    size: int
    after: str


def parse_page(query: Mapping[str, str], listing: str) -> Page:
    """Read the page that a query string asks for; `listing` names the list, and a token is good for that list alone.

    Raises InvalidPageSize, InvalidPageToken.
    """
    size = query.get("pageSize", str(DEFAULT_SIZE))
    if not (size.isascii() and size.isdigit() and len(size) < 9 and 1 <= int(size) <= LARGEST):
        raise InvalidPageSize
    token = query.get("pageToken", "")
    return Page(int(size), _parse_token(token, listing) if token else "")


def page_token(listing: str, last: str) -> str:
    """Return the token of the page behind the entry `last`."""
    return base64.urlsafe_b64encode(_mark(listing) + last.encode()).decode().rstrip("=")


def _parse_token(token: str, listing: str) -> str:
    try:
        raw = base64.b64decode(token[:_LONGEST_TOKEN] + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        mark, last = raw[:_MARK], raw[_MARK:].decode()
    except (binascii.Error, ValueError):
        raise InvalidPageToken from None
    if mark != _mark(listing) or not last or not last.isprintable():
        raise InvalidPageToken
    return last


def _mark(listing: str) -> bytes:
    return hashlib.sha256(listing.encode()).digest()[:_MARK]
