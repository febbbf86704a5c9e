"""How often passwords may be tried, over all replicas and by whatever front."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, text

from shared.database.engine import Database
from shared.database.tables import login_attempts
from shared.database.types import UtcDateTime, now
from shared.errors import UserError

WINDOW = timedelta(minutes=15)

OF_PAIR = 5
"""Attempts at one name from one address. Who guesses from elsewhere does not lock its holder out so soon."""
OF_NAME = 30
OF_ADDRESS = 60

_COUNT = text(
    "INSERT INTO login_attempts (subject, count, ends_at) VALUES (:subject, 1, :ends_at) "
    "ON CONFLICT (subject) DO UPDATE SET "
    "count = CASE WHEN login_attempts.ends_at > :moment THEN login_attempts.count + 1 ELSE 1 END, "
    "ends_at = CASE WHEN login_attempts.ends_at > :moment THEN login_attempts.ends_at ELSE excluded.ends_at END "
    "RETURNING count"
).bindparams(bindparam("ends_at", type_=UtcDateTime()), bindparam("moment", type_=UtcDateTime()))
_FORGET = delete(login_attempts).where(login_attempts.c.subject == bindparam("who"))


class TooManyAttempts(UserError):
    """There were too many attempts. Wait 15 minutes, then try again."""


class Attempts:
    """Counts attempts before a password is looked at, so that those made at the same time count as well."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, name: str, address: str) -> None:
        """Raise TooManyAttempts if there were; a right password is then not taken either."""
        until = now() + WINDOW
        with self._database.write() as connection:
            counts = [(_count(connection, subject, until), most) for subject, most in _subjects(name, address).items()]
        if any(count > most for count, most in counts):
            raise TooManyAttempts

    def forgive(self, name: str, address: str) -> None:
        """Forget the attempts at a name by one who has its password."""
        pair, of_name, _ = _subjects(name, address)
        with self._database.write() as connection:
            connection.execute(_FORGET, [{"who": pair}, {"who": of_name}])


def _subjects(name: str, address: str) -> dict[str, int]:
    return {
        _digest(f"pair {address} {name}"): OF_PAIR,
        _digest(f"name {name}"): OF_NAME,
        _digest(f"address {address}"): OF_ADDRESS,
    }


def _count(connection: Connection, subject: str, ends_at: datetime) -> int:
    """Count an attempt, also one that is under way elsewhere; return how many there were."""
    values = {"subject": subject, "ends_at": ends_at, "moment": now()}
    return int(connection.execute(_COUNT, values).scalar_one())


def _digest(subject: str) -> str:
    return hashlib.sha256(subject.encode(errors="surrogatepass")).hexdigest()
