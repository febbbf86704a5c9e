"""Pages of long lists: `pageSize` and a signed `pageToken` that names the last entry of the page before."""

import base64
import binascii
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from shared.http.problems import HttpError

DEFAULT_SIZE = 100
LARGEST = 1000
TOKEN_SECONDS = 3600
"""A token is good for so long."""

_LONGEST_TOKEN = 8192
_SIGNATURE = 32


class InvalidPageSize(HttpError):
    """`pageSize` is a number from 1 to 1000."""

    code = "INVALID_PAGE_SIZE"


class InvalidPageToken(HttpError):
    """`pageToken` is the `nextPageToken` of the same list, asked for by the same reader an hour ago at most."""

    code = "INVALID_PAGE_TOKEN"


class Page(NamedTuple):
    """At most `size` entries behind the entry `after`; empty: from the start. `bound` is what its tokens hold for."""

    size: int
    after: str
    bound: str


class Pages:
    """Reads and signs tokens: one is good for the same user, list, filters and size alone.

    secret: the same in all replicas.
    """

    def __init__(self, secret: bytes, *, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._clock = clock

    def parse(self, query: Mapping[str, str], *binding: str) -> Page:
        """Read the page that a query string asks for; `binding` says of which list, by whom.

        Raises InvalidPageSize, InvalidPageToken.
        """
        size = query.get("pageSize", str(DEFAULT_SIZE))
        if not (size.isascii() and size.isdigit() and len(size) < 9 and 1 <= int(size) <= LARGEST):
            raise InvalidPageSize
        bound = json.dumps([int(size), *binding])
        token = query.get("pageToken", "")
        return Page(int(size), self._read(token, bound) if token else "", bound)

    def token(self, page: Page, last: str) -> str:
        """Return the token of the page behind the entry `last`."""
        said = json.dumps([last, int(self._clock()) + TOKEN_SECONDS]).encode()
        return base64.urlsafe_b64encode(self._signature(said, page.bound) + said).decode().rstrip("=")

    def _read(self, token: str, bound: str) -> str:
        try:
            raw = base64.b64decode(token[:_LONGEST_TOKEN] + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise InvalidPageToken from None
        signature, said = raw[:_SIGNATURE], raw[_SIGNATURE:]
        if not hmac.compare_digest(signature, self._signature(said, bound)):
            raise InvalidPageToken
        content: tuple[Any, Any] = json.loads(said)
        last, until = content
        if until < self._clock():
            raise InvalidPageToken
        return str(last)

    def _signature(self, said: bytes, bound: str) -> bytes:
        return hmac.digest(self._secret, said + b"\0" + bound.encode(), "sha256")
