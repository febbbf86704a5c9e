"""S3 credentials: issued to a user for a time, and good while the user may log in.

The secret key is kept nowhere: it is made of the access key by a secret of the node, again whenever it is needed. So
nobody gets it by reading the database, and the holder may have the configuration of a client again.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, join, select

from shared.access.users import lasting
from shared.broker.unit import Unit
from shared.database.statements import CREDENTIALS_ISSUE, CREDENTIALS_REVOKE
from shared.database.tables import s3_credentials, users
from shared.database.types import UtcDateTime, now
from shared.errors import ConfigurationError

SHORTEST_SECRET = 32
"""Bytes of the secret of a node."""

_KEY_BYTES = 15
"""Make 24 letters and digits of an access key."""


_AT = bindparam("moment", type_=UtcDateTime())
_LASTING = (
    select(s3_credentials.c.access_key, s3_credentials.c.user, s3_credentials.c.issued_at, s3_credentials.c.expires_at)
    .select_from(join(s3_credentials, users, users.c.name == s3_credentials.c.user))
    .where(s3_credentials.c.revoked_at.is_(None), s3_credentials.c.expires_at > _AT, *lasting(_AT))
)
_ONE = _LASTING.where(s3_credentials.c.access_key == bindparam("key"))
_OF_USER = _LASTING.where(s3_credentials.c.user == bindparam("owner")).order_by(s3_credentials.c.issued_at.desc())


@dataclass(frozen=True)
class S3Credentials:
    """What an S3 client signs with, as `user`, until `expires_at`."""

    access_key: str
    user: str
    issued_at: datetime
    expires_at: datetime
    secret_key: str = field(repr=False)


class CredentialKeeper:
    """Issues, finds and revokes S3 credentials. `secret` is the node's, the same in all its processes.

    Raises ConfigurationError if the secret is too short. Another secret ends all credentials that were issued.
    """

    def __init__(self, secret: str) -> None:
        if len(secret.encode()) < SHORTEST_SECRET:
            raise ConfigurationError(f"the secret of S3 credentials has at least {SHORTEST_SECRET} bytes")
        self._secret = secret.encode()

    def issue(self, unit: Unit, user: str, ttl: timedelta) -> S3Credentials:
        """Return new credentials, which are good once the unit is committed; that is a Conflict if there is no user."""
        access_key = base64.b32encode(secrets.token_bytes(_KEY_BYTES)).decode()
        row: dict[str, Any] = {
            "access_key": access_key,
            "user": user,
            "issued_at": unit.at,
            "expires_at": unit.at + ttl,
        }
        unit.add(CREDENTIALS_ISSUE, **row)
        return S3Credentials(**row, secret_key=self._secret_key(access_key))

    def revoke(self, unit: Unit, user: str, access_key: str) -> None:
        """End credentials of a user at once; those that are no more, or another's, stay as they are."""
        unit.add(CREDENTIALS_REVOKE, key=access_key, owner=user, at=unit.at)

    def find(self, connection: Connection, access_key: str) -> S3Credentials | None:
        """Return credentials that are good now, in one query.

        None: unknown, expired, revoked, or of a user who may not log in, by staff's decision or that of Central EGA.
        """
        if not access_key.isascii() or not access_key.isalnum():
            return None
        row = connection.execute(_ONE, {"key": access_key, "moment": now()}).one_or_none()
        return None if row is None else self._whole(*row)

    def of_user(self, connection: Connection, user: str) -> list[S3Credentials]:
        """Return the credentials of a user that are good now, the newest first."""
        return [self._whole(*row) for row in connection.execute(_OF_USER, {"owner": user, "moment": now()})]

    def _whole(self, access_key: str, user: str, issued_at: datetime, expires_at: datetime) -> S3Credentials:
        return S3Credentials(access_key, user, issued_at, expires_at, self._secret_key(access_key))

    def _secret_key(self, access_key: str) -> str:
        digest = hmac.digest(self._secret, b"strongroom s3 credentials\0" + access_key.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
