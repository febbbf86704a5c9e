"""Whether the archive has what was sent: its tags against our digests."""

import hashlib
import re
from collections.abc import Iterable

from shared.errors import StrongroomError

_OF_S3 = re.compile(r"[0-9a-f]{32}(-\d+)?")
"""MD5 of an object, or the MD5 of the MD5s of its parts and their count; other stores may have other tags."""


class NotAsSent(StrongroomError):
    """The archive's checksum is not that of what was sent: something on the way changes data. Tell the archive."""


def check_tag(etag: str, expected: str) -> None:
    """Compare a tag with the one that S3 gives to what was sent. Raises NotAsSent."""
    if _OF_S3.fullmatch(etag) and etag != expected:
        raise NotAsSent


def tag_of_parts(md5s: Iterable[str]) -> str:
    """Return the tag that S3 gives to an object of parts with these MD5s, which are in hexadecimal."""
    digests = [bytes.fromhex(md5) for md5 in md5s]
    return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"
