"""Bring a database to the schema of this version, and refuse to work on any other."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from shared.database.engine import Database
from shared.errors import ConfigurationError


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Apply all migrations that the database lacks."""
    command.upgrade(_config(url), "head")


def wanted_version() -> str | None:
    """Return the schema version that this code works on."""
    return ScriptDirectory.from_config(_config("")).get_current_head()


def present_version(database: Database) -> str | None:
    """Return the schema version that the database has; None if it is empty."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def require_current(database: Database) -> None:
    """Raise ConfigurationError unless the database has the schema of this version."""
    present, wanted = present_version(database), wanted_version()
    if present != wanted:
        raise ConfigurationError(
            f"the database has schema version {present or 'none'}, this version of Strongroom needs {wanted}: "
            "run `strongroom migrate`, or the version of Strongroom that fits the database"
        )
