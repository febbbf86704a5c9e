"""A request as S3 reads it: bucket and key from the path, its query and headers decoded."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from starlette.types import Scope

from services.inbox.s3.errors import S3Error

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class S3Request:
    """One request; `path` is decoded and begins with a slash, the names in `headers` are in lower case.

    `bucket` is empty for a request to the service, `key` for one to a bucket. A header that came several times has its
    values joined by commas (RFC 9110, section 5.3).
    """

    method: str
    path: str
    query: Pairs
    headers: Mapping[str, str]
    secure: bool

    @property
    def bucket(self) -> str:
        return self.path[1:].partition("/")[0]

    @property
    def key(self) -> str:
        return self.path[1:].partition("/")[2]

    @property
    def values(self) -> dict[str, str]:
        """The query by name; the first of several values counts."""
        return dict(reversed(self.query))

    def header(self, name: str) -> str | None:
        """Return a header, None if it is not there."""
        return self.headers.get(name)


def read_request(scope: Scope) -> S3Request:
    """Read what ASGI gives. Raises S3Error for what is not UTF-8."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    path = _decoded(scope["raw_path"].decode("latin-1"))
    query = tuple(_pair(item) for item in scope["query_string"].decode("latin-1").split("&") if item)
    return S3Request(scope["method"], path, query, headers, scope["scheme"] == "https")


def _pair(item: str) -> tuple[str, str]:
    name, _, value = item.partition("=")
    return _decoded(name), _decoded(value)


def _decoded(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise S3Error("InvalidURI", "names are in UTF-8, written as the URI standard says") from None
