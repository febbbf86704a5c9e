"""The bucket of a user: an injective spelling of the user's name that every S3 client takes for a bucket name.

Lower-case letters and digits stand for themselves, every other byte of the name's UTF-8 for `-` and two hexadecimal
digits. What would be no bucket name in that spelling (3 to 63 characters, beginning with a letter or a digit) is marked
by `--`, which the plain spelling never has: `p--` before the spelling of a name that is too short or begins
otherwise, `h--` before the SHA-256 of one that is too long.

Source of the rules for bucket names: Amazon S3 User Guide, "General purpose bucket naming rules".
"""

import base64
import hashlib
import re

SHORTEST, LONGEST = 3, 63

_PLAIN = re.compile(r"(?:[a-z0-9]|-[0-9a-f]{2})+")
_ESCAPED = re.compile(rb"[^a-z0-9]")
_RESERVED = "sthree-"
"""Prefix that Amazon keeps for itself, and the only such that the plain spelling can have."""


def bucket_of(user: str) -> str:
    """Return the bucket of a user; two users never share one."""
    spelled = _ESCAPED.sub(lambda found: b"-" + found[0].hex().encode(), user.encode()).decode()
    if _is_bucket(spelled):
        return spelled
    if len(spelled) + len("p--") <= LONGEST:
        return f"p--{spelled}"
    digest = base64.b32encode(hashlib.sha256(user.encode()).digest()).decode()
    return f"h--{digest.rstrip('=').lower()}"


def incumbent_bucket_of(user: str) -> str:
    """Return what `sensitive-data-archive` calls the bucket of a user, and his clients therefore may still say."""
    return user.replace("@", "_")


def is_bucket_of(user: str, bucket: str) -> bool:
    """Tell whether a user means the own bucket by this name: by ours, or by the incumbent's unless it is another's."""
    if bucket == bucket_of(user):
        return True
    return bucket == incumbent_bucket_of(user) and owner_of(bucket) in (None, user) and not bucket.startswith("h--")


def owner_of(bucket: str) -> str | None:
    """Return the user whose bucket this is; None if it is no user's, or if its name is a digest."""
    spelled = bucket.removeprefix("p--")
    if not _PLAIN.fullmatch(spelled):
        return None
    octets = re.sub(r"-(..)|(.)", lambda found: found[1] or f"{ord(found[2]):02x}", spelled)
    try:
        user = bytes.fromhex(octets).decode()
    except UnicodeDecodeError:
        return None
    return user if bucket_of(user) == bucket else None


def _is_bucket(spelled: str) -> bool:
    return SHORTEST <= len(spelled) <= LONGEST and spelled[0] != "-" and not spelled.startswith(_RESERVED)
