"""A download decided: with which header, and which bytes of the whole. Whether it may be read is decided before."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.outbox.headers import Coordinates, ReaderHeaders, Slice
from shared.access.grants import ReadableFile
from shared.crypto.keys import PublicKey, parse_public_key
from shared.http.problems import HttpError
from shared.http.ranges import Span, parse_range

_MOST_DIGITS = 18


class KeyMissing(HttpError):
    """Send your Crypt4GH public key in the header X-C4GH-Public-Key, in base64."""

    code = "KEY_MISSING"


class KeyConflict(HttpError):
    """Send one public key, in one header."""

    code = "KEY_CONFLICT"


class CoordinatesInvalid(HttpError):
    """`startCoordinate` and `endCoordinate` count bytes of the plaintext; the second is behind the first."""

    code = "COORDINATES_INVALID"


class Part(StrEnum):
    """What of a file is wanted."""

    WHOLE = "file"
    HEADER = "header"
    CONTENT = "content"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a reader asks for: a part, the values of the key headers, `Range`, `If-Range` and the query."""

    part: Part
    keys: Sequence[str]
    query: Mapping[str, str]
    range: str | None = None
    if_range: str | None = None


@dataclass(frozen=True, kw_only=True)
class Download:
    """A stream of `size` bytes, first `header` and then the slice `body`, of which `span` is wanted."""

    file: ReadableFile
    part: Part
    header: bytes
    body: Slice
    etag: str
    content_etag: str
    span: Span
    partial: bool
    reader_key: str | None

    @property
    def size(self) -> int:
        """Bytes of the whole stream."""
        return len(self.header) + self.body.length

    @property
    def is_plain_content(self) -> bool:
        """Whether it is the archived object itself, or a range of it."""
        return self.part is Part.CONTENT and self.body.length == self.file.archive_size


@dataclass(frozen=True, kw_only=True)
class Prepare:
    """Prepares downloads of files that may be read."""

    headers: ReaderHeaders

    def __call__(self, file: ReadableFile, wanted: Wanted) -> Download:
        """Return what is to be sent.

        Raises KeyMissing, KeyConflict, BadPublicKey, CoordinatesInvalid, RangeInvalid, RangeNotSatisfiable, and
        FileRefused when none of the archive's keys opens the header.
        """
        key = reader_key_of(wanted.keys) if wanted.part is not Part.CONTENT else None
        header, body = self._header_and_body(file, key, _coordinates(wanted.query))
        content_etag = _content_etag(file, body)
        if wanted.part is Part.HEADER:
            body = Slice(0, 0)
        etag = content_etag if key is None else _stream_etag(header, content_etag, wanted.part)
        size = len(header) + body.length
        resumable = wanted.part is not Part.HEADER and wanted.if_range in {None, etag}
        span = parse_range(wanted.range, size) if resumable else None
        return Download(
            file=file,
            part=wanted.part,
            header=header,
            body=body,
            etag=etag,
            content_etag=content_etag,
            span=span or Span(0, size),
            partial=span is not None,
            reader_key=None if key is None else key.hex(),
        )

    def _header_and_body(
        self, file: ReadableFile, key: PublicKey | None, wanted: Coordinates | None
    ) -> tuple[bytes, Slice]:
        if key is not None:
            return self.headers.sealed(key, file.header, file.archive_size, wanted)
        if wanted is not None:
            return b"", self.headers.slice(file.header, file.archive_size, wanted)
        return b"", Slice(0, file.archive_size)


def reader_key_of(values: Sequence[str]) -> PublicKey:
    """Read the key that a header is to be sealed for. Raises KeyMissing, KeyConflict, BadPublicKey."""
    if not values:
        raise KeyMissing
    if len(values) > 1:
        raise KeyConflict
    return parse_public_key(values[0])


def _coordinates(query: Mapping[str, str]) -> Coordinates | None:
    if not query:
        return None
    start, end = (query.get(name) for name in ("startCoordinate", "endCoordinate"))
    if start is None and end is None:
        return None
    wanted = Coordinates(_count(start or "0"), None if end is None else _count(end))
    if wanted.end is not None and wanted.end <= wanted.start:
        raise CoordinatesInvalid
    return wanted


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise CoordinatesInvalid
    return int(text)


def _content_etag(file: ReadableFile, body: Slice) -> str:
    """Return a strong tag of a part of a body: the digest of the whole body is in it."""
    known = file.archived_sha256 or f"{file.id}:{file.archive_size}"
    if body.length == file.archive_size:
        return f'"{known}"' if file.archived_sha256 else _tag(known)
    return _tag(f"{known}:{body.offset}:{body.length}")


def _stream_etag(header: bytes, content_etag: str, part: Part) -> str:
    """Return a strong tag of header and body: it changes with any byte of either."""
    return _tag(f"{part}:{header.hex()}:{content_etag}")


def _tag(text: str) -> str:
    return f'"{hashlib.sha256(text.encode()).hexdigest()}"'
