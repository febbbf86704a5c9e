"""The node that was selected: its database, its way of sending, its key for tokens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from services.cli.folder import Folder
from services.cli.selection import Selection
from shared.broker.commit import Routing, UnitWriter, to_exchange, to_local_queue
from shared.broker.unit import Unit
from shared.database.engine import Database
from shared.database.migrate import require_current
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from shared.access.credentials import CredentialKeeper, S3Credentials
    from shared.access.s3_clients import Inbox

SERVICE = "cli"


@dataclass(frozen=True)
class Place:
    """Where a node is, before anything of it is opened."""

    database_url: str
    routing: Routing
    token_key: Path | None
    credentials_secret: str | None = field(repr=False)
    inbox_url: str | None
    archive_key: Path | None
    """The archive's public key, for those who upload."""
    login_url: str | None

    def token_pem(self) -> bytes:
        """Return the private key that signs tokens; raises ConfigurationError if the settings name none."""
        if self.token_key is None:
            raise ConfigurationError("STRONGROOM_TOKEN_KEY: is not set; it names the key that signs tokens")
        return self.token_key.read_bytes()

    def credential_keeper(self) -> "CredentialKeeper":
        """Return what makes S3 credentials; raises ConfigurationError if the settings don't say with what."""
        from shared.access.credentials import CredentialKeeper

        if self.credentials_secret is None:
            raise ConfigurationError("STRONGROOM_CREDENTIALS_SECRET: is not set; S3 credentials are made with it")
        return CredentialKeeper(self.credentials_secret)

    def inbox(self, credentials: "S3Credentials") -> "Inbox":
        """Return the S3 inbox as its user sees it; raises ConfigurationError if nothing says where it is."""
        from shared.access.s3_clients import Inbox

        if self.inbox_url is None:
            raise ConfigurationError(
                "where is the S3 inbox? STRONGROOM_INBOX_URL says so; an embedded node has to be started once"
            )
        key = None if self.archive_key is None else self.archive_key.read_text(encoding="ascii")
        return Inbox(self.inbox_url, credentials, key, self.login_url)


@dataclass(frozen=True)
class Node:
    """An open node. Staff act on it by units of work, as the services do."""

    place: Place
    database: Database

    def unit(self) -> Unit:
        """Return an empty unit of work."""
        return Unit(service=SERVICE)

    def commit(self, unit: Unit) -> None:
        """Commit a unit of work; what it sends is routed as this kind of node needs it."""
        UnitWriter(self.database, self.place.routing).write([unit])


def place(selection: Selection) -> Place:
    """Return where the selected node is; raises ConfigurationError if there is none."""
    if selection.data is not None:
        folder = Folder(selection.data)
        folder.require()
        return _place_in(folder)
    return _place_of_settings()


def _place_in(folder: Folder) -> Place:
    secret, addresses = folder.credentials_secret, folder.addresses
    return Place(
        database_url=folder.database_url,
        routing=to_local_queue,
        token_key=folder.token_key,
        credentials_secret=secret.read_text(encoding="ascii") if secret.exists() else None,
        inbox_url=addresses.get("s3"),
        archive_key=folder.archive_public,
        login_url=addresses.get("login"),
    )


def _place_of_settings() -> Place:
    from services.cli.known import settings_of_environment
    from services.cli.settings import CommandSettings
    from shared.settings import load, refuse_unknown

    try:
        refuse_unknown(settings_of_environment())
        settings = load(CommandSettings)
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}\nor select an embedded node with --data DIR") from None
    secret = settings.credentials_secret
    return Place(
        database_url=settings.database_url.get_secret_value(),
        routing=to_exchange,
        token_key=settings.token_key,
        credentials_secret=None if secret is None else secret.get_secret_value(),
        inbox_url=settings.inbox_url,
        archive_key=settings.login_archive_key,
        login_url=settings.login_url,
    )


@contextmanager
def database_at(where: Place) -> Iterator[Database]:
    """Open a database of any schema version."""
    database = Database(where.database_url, pool_size=1)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def opened(selection: Selection) -> Iterator[Node]:
    """Open the selected node; raises ConfigurationError if its database has another schema version, DatabaseAway."""
    where = place(selection)
    with database_at(where) as database:
        require_current(database)
        yield Node(where, database)
