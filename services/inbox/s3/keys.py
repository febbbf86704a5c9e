"""Object keys as paths in a user's inbox, by the incumbent's rule about characters."""

import re

from services.inbox.errors import InboxError
from services.inbox.paths import inbox_path
from services.inbox.s3.errors import S3Error

MAX_KEY = 1024
"""Bytes in UTF-8 (Amazon S3 User Guide, "Naming Amazon S3 objects")."""

_FORBIDDEN = re.compile(r"[<>\"|!*'();:@&=+$,?%#\[\]\x00-\x1f\x7f]")
"""Source: the check of keys in `sensitive-data-archive`, whose clients rename such files before they upload them."""


def object_path(key: str) -> str:
    """Return the path that a key means; a key of backslashes alone, as Windows writes paths, has them as slashes.

    Raises S3Error: a path and its key are one, so nothing is left out or added but that.
    """
    if len(key.encode()) > MAX_KEY:
        raise S3Error("KeyTooLongError", f"a key has {MAX_KEY} bytes at most: shorten the names of file and folders")
    if "\\" in key and "/" in key:
        raise S3Error("InvalidArgument", "a key holds slashes or backslashes, not both: upload it with slashes")
    plain = key.replace("\\", "/")
    found = _FORBIDDEN.search(plain)
    if found is not None:
        sign = found[0] if found[0].isprintable() else f"U+{ord(found[0]):04X}"
        raise S3Error("InvalidArgument", f"a name must not hold {sign}: rename the file and upload it again")
    try:
        path = inbox_path(plain.encode())
    except InboxError as error:
        raise S3Error("InvalidArgument", str(error)) from None
    if path != plain:
        raise S3Error("InvalidArgument", "a key has no empty, . or .. between its slashes, and none at either end")
    return path
