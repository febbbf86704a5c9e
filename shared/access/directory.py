"""Who may log in, from wherever users are known: the node's own table, and Central EGA where the node has one."""

from datetime import timedelta

from pydantic import Field, SecretStr

from shared.access.cega import CentralEga
from shared.access.users import CEGA, User, check_user_name, find_user
from shared.database.engine import Database
from shared.errors import ConfigurationError, UserError
from shared.settings import Settings


class DirectorySettings(Settings):
    """Where users are looked up besides the node's own table."""

    cega_endpoint: str | None = Field(
        default=None,
        description="Where Central EGA tells of its users, asked as `<endpoint>/<name>`; empty: only the node's own.",
        examples=["https://nss.ega.example.org/users"],
    )
    cega_user: str | None = Field(default=None, description="Name of the node at Central EGA's users.")
    cega_password: SecretStr | None = Field(default=None, description="Password of the node at Central EGA's users.")
    cega_ttl_seconds: float = Field(
        default=300,
        gt=0,
        description="For so long an answer of Central EGA holds; a user who was disabled there is out after it.",
    )

    def central_ega(self) -> CentralEga | None:
        """Return Central EGA, if the node has one. Raises ConfigurationError if it can't be asked."""
        if self.cega_endpoint is None:
            return None
        if not self.cega_user or not self.cega_password:
            raise ConfigurationError("STRONGROOM_CEGA_USER, STRONGROOM_CEGA_PASSWORD: Central EGA asks for both")
        password = self.cega_password.get_secret_value()
        ttl = timedelta(seconds=self.cega_ttl_seconds)
        return CentralEga(self.cega_endpoint, user=self.cega_user, password=password, ttl=ttl)


class Directory:
    """Finds users. The node's own come first; a name of theirs is never asked of Central EGA."""

    def __init__(self, database: Database, central_ega: CentralEga | None) -> None:
        self._database = database
        self._central_ega = central_ega

    def find(self, name: str) -> User | None:
        """Return a user with all that he may log in with. Raises DatabaseAway, CentralEgaAway."""
        try:
            check_user_name(name)
        except UserError:
            return None
        with self._database.read() as connection:
            known = find_user(connection, name)
        if self._central_ega is None or (known is not None and known.source != CEGA):
            return known
        user = self._central_ega.word(name).user
        return user and user.unless_disabled_in(known)
