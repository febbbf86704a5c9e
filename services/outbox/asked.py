"""What a request says, read from its head once: the routes that give out bytes are asked very often."""

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote

from shared.access.tokens import NotAuthenticated

_READ = frozenset(
    {
        b"authorization",
        b"x-amz-security-token",
        b"x-c4gh-public-key",
        b"htsget-context-public-key",
        b"range",
        b"if-range",
    }
)


class Head:
    """The headers that matter here."""

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self._values: dict[bytes, list[str]] = {}
        for name, value in headers:
            if name in _READ:
                self._values.setdefault(name, []).append(value.decode("latin-1"))

    @property
    def token(self) -> str:
        """The access token: `Authorization: Bearer` (RFC 6750), or where S3 clients put it. Raises NotAuthenticated."""
        sent = self._values.get(b"authorization")
        if sent is None:
            sent = [f"Bearer {token}" for token in self._values.get(b"x-amz-security-token", ())]
        if len(sent) != 1:
            raise NotAuthenticated
        scheme, _, token = sent[0].partition(" ")
        if scheme.lower() != "bearer":
            raise NotAuthenticated
        return token.strip()

    @property
    def keys(self) -> list[str]:
        """All values of the headers that hold the reader's public key."""
        values = self._values
        return values.get(b"x-c4gh-public-key", []) + values.get(b"htsget-context-public-key", [])

    @property
    def range(self) -> str | None:
        """The ranges that are asked for."""
        values = self._values.get(b"range")
        return ", ".join(values) if values else None

    @property
    def if_range(self) -> str | None:
        """The tag that the client knows."""
        return self._values.get(b"if-range", [None])[0]


class Place(NamedTuple):
    """A path below a collection: the name of a thing, and what of it is wanted (empty: the thing itself)."""

    name: str
    part: str


def place_of(raw_path: bytes, collection: bytes, parts: frozenset[bytes]) -> Place:
    """Split the path as it was sent, so that an encoded slash is part of a name.

    A name may hold slashes as they are, too; then a last segment that is one of `parts` is taken for a part.
    """
    rest = raw_path[len(collection) :]
    name, slash, last = rest.rpartition(b"/")
    if slash and name and last in parts:
        return Place(_text(name), last.decode())
    return Place(_text(rest), "")


def _text(raw: bytes) -> str:
    return unquote(raw.decode("latin-1"), errors="surrogateescape")
