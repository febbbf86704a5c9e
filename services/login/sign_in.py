"""Log in with name and password."""

from dataclasses import dataclass

from services.login.accounts import Accounts
from services.login.errors import WrongPassword
from shared.access.attempts import Attempts
from shared.access.directory import Directory
from shared.access.users import CEGA, has_password


@dataclass(frozen=True)
class SignIn:
    """Checks passwords of the node's own users and of those of Central EGA."""

    directory: Directory
    attempts: Attempts
    accounts: Accounts

    def __call__(self, name: str, password: str, address: str) -> str:
        """Return the user who has this password.

        Raises WrongPassword, whatever is not right; TooManyAttempts, NameTaken; CentralEgaAway, DatabaseAway.
        """
        self.attempts.count(name, address)
        user = self.directory.find(name)
        if not has_password(user, password) or user is None:
            raise WrongPassword
        self.attempts.forgive(name, address)
        return self.accounts.of_central_ega(name) if user.source == CEGA else user.name
