"""Which user of the archive somebody is who has proved elsewhere who they are."""

from datetime import datetime

from services.login.errors import LoginDisabled, NameTaken, NoUsableName
from services.login.queries import add_user, is_taken, user_of_subject, vouch
from shared.access.cega import CentralEga
from shared.access.users import CEGA, check_user_name
from shared.database.engine import Database
from shared.errors import UserError


class Accounts:
    """A name belongs for ever to the source and subject that came with it first."""

    def __init__(self, database: Database, central_ega: CentralEga | None) -> None:
        self._database = database
        self._central_ega = central_ega

    def of_provider(self, issuer: str, subject: str, wanted: str) -> str:
        """Return the user whom a provider means. Raises NameTaken, NoUsableName, LoginDisabled, CentralEgaAway."""
        try:
            check_user_name(wanted)
        except UserError:
            raise NoUsableName from None
        with self._database.read() as connection:
            known = user_of_subject(connection, issuer, subject)
        if known is None:
            self._claim_beside_central_ega(wanted, issuer, subject)
            return wanted
        return _enabled(known)

    def of_central_ega(self, name: str) -> str:
        """Return the user whom Central EGA has let in, and note how long its word holds. Raises NameTaken."""
        assert self._central_ega is not None
        until = self._central_ega.word(name).until
        with self._database.read() as connection:
            known = user_of_subject(connection, CEGA, name)
        if known is None:
            self._claim(name, CEGA, name)
        self._vouch(name, until)
        return name if known is None else _enabled(known)

    def _claim_beside_central_ega(self, name: str, issuer: str, subject: str) -> None:
        """Claim a name unless Central EGA knows somebody by it, who may have uploaded without ever coming here."""
        if self._central_ega is not None and self._central_ega.word(name).user is not None:
            raise NameTaken
        self._claim(name, issuer, subject)

    def _claim(self, name: str, source: str, subject: str) -> None:
        with self._database.write() as connection:
            if is_taken(connection, name):
                raise NameTaken
            add_user(connection, name, source, subject)

    def _vouch(self, name: str, until: datetime) -> None:
        with self._database.write() as connection:
            vouch(connection, name, until)


def _enabled(known: tuple[str, bool]) -> str:
    name, enabled = known
    if not enabled:
        raise LoginDisabled
    return name
