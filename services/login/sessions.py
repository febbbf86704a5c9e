"""Sessions of browsers; any replica knows them."""

from datetime import timedelta

from services.login.opaque import digest, new_opaque
from services.login.queries import begin_session, end_session, session_user
from shared.database.engine import Database
from shared.database.types import now


class Sessions:
    """A session lasts for `life`, and no longer than its user may log in."""

    def __init__(self, database: Database, life: timedelta) -> None:
        self._database = database
        self.life = life

    def begin(self, user: str, former: str | None) -> str:
        """Return what the browser of a user keeps from now on; the session that it had before ends."""
        opaque = new_opaque()
        with self._database.write() as connection:
            if former is not None:
                end_session(connection, digest(former))
            begin_session(connection, digest(opaque), user, now() + self.life)
        return opaque

    def user(self, opaque: str) -> str | None:
        """Return whose session this is; None if it has ended, or is none."""
        with self._database.read() as connection:
            return session_user(connection, digest(opaque))

    def end(self, opaque: str) -> None:
        """End a session."""
        with self._database.write() as connection:
            end_session(connection, digest(opaque))
