"""Ask Central EGA again about those who are logged in, and forget what has expired."""

from services.login.queries import forget_expired, users_to_vouch_for, vouch
from shared.access.cega import CentralEga
from shared.database.engine import Database
from shared.database.types import now
from shared.lifecycle import Repeating

EXPIRY_SECONDS = 600.0


class Expiry(Repeating):
    """Forgets sessions, log-ins under way and attempts whose time is over."""

    def __init__(self, database: Database) -> None:
        super().__init__("login expiry", seconds=EXPIRY_SECONDS, at_once=True)
        self._database = database

    def turn(self) -> None:
        """Forget them."""
        with self._database.write() as connection:
            forget_expired(connection)


class Vouching(Repeating):
    """Asks Central EGA about its users who have a session or S3 credentials, three times while an answer holds.

    So the credentials of a user who was disabled there end before the last answer does, and those of everyone end with
    that answer if Central EGA says nothing more.
    """

    def __init__(self, database: Database, central_ega: CentralEga, ttl_seconds: float) -> None:
        super().__init__("vouching", seconds=ttl_seconds / 3, at_once=True)
        self._database = database
        self._central_ega = central_ega

    def turn(self) -> None:
        """Ask about each. Raises CentralEgaAway, DatabaseAway."""
        with self._database.read() as connection:
            names = users_to_vouch_for(connection)
        for name in names:
            word = self._central_ega.word(name, afresh=True)
            allowed = word.user is not None and word.user.enabled
            with self._database.write() as connection:
                vouch(connection, name, word.until if allowed else now())
