"""A download decided: may this user read this file, with which header, and which bytes of the whole."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from services.outbox.headers import ReaderHeaders
from services.outbox.queries import file_to_read
from shared.access.grants import ReadableFile
from shared.crypto.keys import PublicKey, parse_public_key
from shared.database.engine import Database
from shared.http.problems import HttpError
from shared.http.ranges import Span, parse_range


class KeyMissing(HttpError):
    """Send your Crypt4GH public key in the header X-C4GH-Public-Key, in base64."""

    code = "KEY_MISSING"


class KeyConflict(HttpError):
    """Send one public key, in one header."""

    code = "KEY_CONFLICT"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a reader asks for: a file id or accession id, the values of the key headers, `Range` and `If-Range`."""

    name: str
    keys: Sequence[str]
    range: str | None = None
    if_range: str | None = None


@dataclass(frozen=True, kw_only=True)
class Download:
    """Header and body are one stream of `size` bytes, of which `span` is wanted."""

    file: ReadableFile
    header: bytes
    etag: str
    span: Span
    partial: bool

    @property
    def size(self) -> int:
        """Bytes of the whole stream."""
        return len(self.header) + self.file.archive_size


@dataclass(frozen=True, kw_only=True)
class Decide:
    """Decides downloads; waits for the database, so call it on a thread that may wait."""

    database: Database
    headers: ReaderHeaders

    def __call__(self, user: str, wanted: Wanted) -> Download:
        """Return what is to be sent; the refusal comes first, whatever else is wrong with the request.

        Raises Forbidden, KeyMissing, KeyConflict, BadPublicKey, RangeInvalid, RangeNotSatisfiable, DatabaseAway, and
        FileRefused when none of the archive's keys opens the header.
        """
        file = file_to_read(self.database, user, wanted.name)
        header = self.headers.header_for(_reader_key(wanted.keys), file.header)
        etag = _etag(header, file)
        size = len(header) + file.archive_size
        resumable = wanted.if_range is None or wanted.if_range == etag
        span = parse_range(wanted.range, size) if resumable else None
        return Download(file=file, header=header, etag=etag, span=span or Span(0, size), partial=span is not None)


def _reader_key(values: Sequence[str]) -> PublicKey:
    if not values:
        raise KeyMissing
    if len(values) > 1:
        raise KeyConflict
    return parse_public_key(values[0])


def _etag(header: bytes, file: ReadableFile) -> str:
    """Return a strong tag: it changes with any byte of the stream, since the digest of the body is in it."""
    body = file.archived_sha256 or f"{file.id}:{file.archive_size}"
    return f'"{hashlib.sha256(header + body.encode()).hexdigest()}"'
