"""Log in at the OpenID provider: begin, and finish what this browser has begun."""

from dataclasses import dataclass
from datetime import timedelta

from services.login.accounts import Accounts
from services.login.errors import LoginExpired
from services.login.opaque import digest, new_opaque
from services.login.provider import Provider
from services.login.queries import Pending, keep_pending, take_pending
from shared.database.engine import Database
from shared.database.types import now

PATIENCE = timedelta(minutes=15)
"""So long users may take at the provider."""


@dataclass(frozen=True)
class Answer:
    """What the provider has sent the browser back with; `issuer` is None where it says none."""

    code: str
    state: str
    issuer: str | None


@dataclass(frozen=True)
class Authorize:
    """Sends browsers to the provider and takes them back."""

    provider: Provider
    database: Database
    accounts: Accounts

    def begin(self, browser: str, redirect_uri: str) -> str:
        """Return where the browser is to go to. Raises TransientError, DatabaseAway."""
        state, pending = new_opaque(), Pending(nonce=new_opaque(), code_verifier=new_opaque())
        url = self.provider.authorization_url(redirect_uri=redirect_uri, state=state, **pending._asdict())
        with self.database.write() as connection:
            keep_pending(connection, digest(state), digest(browser), pending, now() + PATIENCE)
        return url

    def finish(self, browser: str, answer: Answer, redirect_uri: str) -> str:
        """Return the user whom the provider means. Raises LoginExpired, ProviderRefused, and as `Accounts` does."""
        with self.database.write() as connection:
            pending = take_pending(connection, digest(answer.state), digest(browser))
        if pending is None:
            raise LoginExpired
        person = self.provider.person(answer.code, redirect_uri=redirect_uri, issuer=answer.issuer, **pending._asdict())
        return self.accounts.of_provider(self.provider.issuer, person.subject, person.name)
