"""Who may open an SFTP session: users with a password or SSH keys of their own."""

import asyncio
from collections.abc import Callable

import structlog
from asyncssh import (
    DISC_NO_MORE_AUTH_METHODS_AVAILABLE,
    DISC_SERVICE_NOT_AVAILABLE,
    DisconnectError,
    SSHKey,
    SSHServer,
    SSHServerConnection,
    SSHServerSession,
)

from services.inbox.metrics import LOGINS
from shared.access.attempts import Attempts, TooManyAttempts
from shared.access.cega import CentralEgaAway
from shared.access.directory import Directory
from shared.access.users import User, has_password, has_ssh_key, normal_ssh_key
from shared.database.engine import DatabaseAway
from shared.errors import StrongroomError, UserError

log = structlog.get_logger(__name__)

_MOST_PASSWORDS = 6
"""Wrong passwords that one connection may try."""


Connections = dict[SSHServerConnection, str | None]
"""All that are open, with the user who has logged in."""


class Login(SSHServer):
    """Decides about one connection. The user is looked up anew at each log-in, and `eviction.py` does so meanwhile."""

    def __init__(
        self,
        directory: Directory,
        attempts: Attempts,
        connections: Connections,
        at_once: asyncio.Semaphore,
        channel: Callable[[], SSHServerSession[bytes]],
    ) -> None:
        self._directory = directory
        self._attempts = attempts
        self._connections = connections
        self._at_once = at_once
        self._channel = channel
        self._user: User | None = None
        self._passwords = 0
        self._means = "none"
        self._undecided = False
        self._address = ""

    def connection_made(self, conn: SSHServerConnection) -> None:
        self._connection = conn
        self._connections[conn] = None
        self._address = str((conn.get_extra_info("peername") or ("",))[0])

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._connections.pop(self._connection, None)
        if self._undecided:
            LOGINS.labels("refused").inc()

    async def begin_auth(self, username: str) -> bool:
        """Find the user; that there is none shows in nothing but the refusal at the end."""
        self._undecided = True
        try:
            self._user = await asyncio.to_thread(self._directory.find, username)
        except (DatabaseAway, CentralEgaAway) as away:
            raise _put_off(away) from None
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def kbdint_auth_supported(self) -> bool:
        return False

    def validate_public_key(self, username: str, key: SSHKey) -> bool:
        """Tell whether a key may log this user in; that the client holds it is checked afterwards."""
        try:
            fits = has_ssh_key(self._named(username), normal_ssh_key(key.export_public_key().decode()))
        except UserError:
            return False
        self._means = "key" if fits else self._means
        return fits

    async def validate_password(self, username: str, password: str) -> bool:
        """Check a password on a thread, as many at once as there are processors."""
        self._passwords += 1
        if self._passwords > _MOST_PASSWORDS:
            raise DisconnectError(DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "too many wrong passwords")
        try:
            async with self._at_once:
                fits = await asyncio.to_thread(self._fits, username, password)
        except DatabaseAway as away:
            raise _put_off(away) from None
        self._means = "password" if fits else self._means
        return fits

    def auth_completed(self) -> None:
        self._undecided = False
        self._connections[self._connection] = self._user.name if self._user else None
        LOGINS.labels(self._means).inc()

    def session_requested(self) -> SSHServerSession[bytes]:
        return self._channel()

    def _named(self, name: str) -> User | None:
        """Return the user that was found last, if he is the one in question: a client may change its mind midway."""
        return self._user if self._user is not None and self._user.name == name else None

    def _fits(self, name: str, password: str) -> bool:
        """Check a password; of those who have tried too often none is right."""
        try:
            self._attempts.count(name, self._address)
        except TooManyAttempts:
            return False
        fits = has_password(self._named(name), password)
        if fits:
            self._attempts.forgive(name, self._address)
        return fits


def _put_off(away: StrongroomError) -> DisconnectError:
    log.warning("log_in_put_off", error=type(away).__name__)
    return DisconnectError(DISC_SERVICE_NOT_AVAILABLE, "the archive is busy, try again")
