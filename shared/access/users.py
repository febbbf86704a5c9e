"""The people who may upload: their names, passwords and SSH keys, and who vouches for them."""

import base64
import binascii
import re
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, or_, select

from shared.access import passwords
from shared.database.tables import user_keys, users
from shared.errors import UserError

LOCAL, CEGA = "local", "cega"
"""Sources of users: the node's staff, Central EGA; besides them OpenID issuers."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@+-]{1,63}")
_KEY_TYPES = frozenset({
    "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
})  # fmt: skip

_USER = select(users.c.name, users.c.password_hash, users.c.enabled, users.c.source).where(
    users.c.name == bindparam("user")
)
_KEYS = select(user_keys.c.ssh_key).where(user_keys.c.user == bindparam("user"))


@dataclass(frozen=True)
class User:
    """Someone who may log in while `enabled`; `ssh_keys` are in the form of `normal_ssh_key`."""

    name: str
    password_hash: str | None
    enabled: bool
    ssh_keys: frozenset[str]
    source: str = LOCAL

    def unless_disabled_in(self, known: "User | None") -> "User":
        """Return the user as the node lets him in: staff may disable whom another source has enabled."""
        return replace(self, enabled=self.enabled and (known is None or known.enabled))


def lasting(at: ColumnElement[datetime]) -> tuple[ColumnElement[bool], ...]:
    """Return what says that a row of `users` may act at a time: staff allow it, and who has to vouch does so."""
    return users.c.enabled == 1, or_(users.c.vouched_until.is_(None), users.c.vouched_until > at)


def check_user_name(name: str) -> str:
    """Return the name if it has 2 to 64 of A-Z a-z 0-9 . _ @ + - and begins with a letter, digit or _.

    Raises UserError. Such a name is one segment of a path, and needs no quoting anywhere.
    """
    if not _NAME.fullmatch(name):
        raise UserError("a user name has 2 to 64 of A-Z a-z 0-9 . _ @ + - and begins with a letter, a digit or _")
    return name


def normal_ssh_key(text: str) -> str:
    """Return a public key in OpenSSH form without its comment, as it is stored and compared. Raises UserError.

    Source: RFC 4253, section 6.6: the blob begins with the name of its type.
    """
    kind, _, rest = text.strip().partition(" ")
    encoded = rest.strip().partition(" ")[0]
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        blob = b""
    named = len(kind).to_bytes(4, "big") + kind.encode()
    if "\n" in text.strip() or kind not in _KEY_TYPES or not blob.startswith(named):
        raise UserError(f"not a public key in OpenSSH form of one of the types {', '.join(sorted(_KEY_TYPES))}")
    return f"{kind} {encoded}"


def find_user(connection: Connection, name: str) -> User | None:
    """Return a user with all keys."""
    row = connection.execute(_USER, {"user": name}).one_or_none()
    if row is None:
        return None
    keys = connection.execute(_KEYS, {"user": name}).scalars()
    return User(row.name, row.password_hash, bool(row.enabled), frozenset(keys), row.source)


def has_password(user: User | None, password: str) -> bool:
    """Tell whether the user may log in with this password; takes as long for those who do not exist or are disabled."""
    allowed = user is not None and user.enabled
    fits = passwords.check_password(user.password_hash if user else None, password)
    return fits and allowed


def has_ssh_key(user: User | None, key: str) -> bool:
    """Tell whether the user may log in with this key, given in the form of `normal_ssh_key`."""
    return user is not None and user.enabled and key in user.ssh_keys
