"""Object keys that are safe as paths, in URLs and in logs."""

import re

_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}"
_KEY = re.compile(rf"{_SEGMENT}(/{_SEGMENT})*")
_MAX_KEY = 1024


def check_key(key: str) -> str:
    """Return the key if its segments are of letters, digits, `.`, `_`, `-`, none hidden or empty. Raises ValueError."""
    if len(key) > _MAX_KEY or not _KEY.fullmatch(key):
        raise ValueError("not a key: segments of A-Z a-z 0-9 . _ - that do not begin with a dot, joined by /")
    return key
