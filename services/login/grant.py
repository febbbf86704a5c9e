"""What users take away from here: S3 credentials with configurations for their clients, and access tokens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.login.errors import NoInbox, NoSuchCredentials
from shared.access.credentials import CredentialKeeper, S3Credentials
from shared.access.s3_clients import Inbox
from shared.access.tokens import TokenIssuer
from shared.broker.committer import Committer
from shared.broker.unit import Unit
from shared.database.engine import Database

SERVICE = "login"


@dataclass(frozen=True)
class Grant:
    """Issues and revokes.

    url: where the pages are, and who the tokens are from; asked when it is needed.
    inbox_url: where S3 clients find the inbox, None if there is none.
    archive_key: text of the archive's public key.
    """

    database: Database
    committer: Committer
    keeper: CredentialKeeper
    tokens: TokenIssuer
    url: Callable[[], str]
    token_life: timedelta
    inbox_url: str | None
    archive_key: str
    most_days: int

    @property
    def choices(self) -> Sequence[int]:
        """Days of life that users may choose among."""
        return [days for days in (1, 7, 30, 90) if days < self.most_days] + [self.most_days]

    def issue(self, user: str, days: int) -> S3Credentials:
        """Return new credentials, which end after so many days, or after the most that is allowed."""
        if self.inbox_url is None:
            raise NoInbox
        unit = Unit(SERVICE)
        issued = self.keeper.issue(unit, user, timedelta(days=max(1, min(days, self.most_days))))
        self.committer.commit(unit)
        return issued

    def revoke(self, user: str, access_key: str) -> None:
        """End credentials at once."""
        unit = Unit(SERVICE)
        self.keeper.revoke(unit, user, access_key)
        self.committer.commit(unit)

    def inboxes(self, user: str) -> list[Inbox]:
        """Return the inbox as each of the user's credentials opens it, the newest first."""
        if self.inbox_url is None:
            return []
        with self.database.read() as connection:
            lasting = self.keeper.of_user(connection, user)
        return [Inbox(self.inbox_url, found, self.archive_key, self.url()) for found in lasting]

    def inbox(self, user: str, access_key: str) -> Inbox:
        """Return the inbox as these credentials open it. Raises NoSuchCredentials."""
        for inbox in self.inboxes(user):
            if inbox.credentials.access_key == access_key:
                return inbox
        raise NoSuchCredentials

    def token(self, user: str) -> str:
        """Return an access token."""
        return self.tokens.issue(user, self.token_life, issuer=self.url())
