"""Bring a database to the schema of this version, and refuse to work on any other."""

from pathlib import Path

from sqlalchemy import inspect, text

from shared.database.engine import Database
from shared.errors import ConfigurationError

SCHEMA = "0007"
"""The newest migration. A constant, since asking alembic takes longer than most commands; a test compares the two."""

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(url: str) -> None:
    """Apply all migrations that the database lacks."""
    from alembic import command  # noqa: PLC0415 - takes longer to import than all the rest of a command
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    command.upgrade(config, "head")


def present_version(database: Database) -> str | None:
    """Return the schema version that the database has; None if it is empty."""
    with database.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return version


def require_current(database: Database) -> None:
    """Raise ConfigurationError unless the database has the schema of this version."""
    present = present_version(database)
    if present != SCHEMA:
        raise ConfigurationError(
            f"the database has schema version {present or 'none'}, this version of Strongroom needs {SCHEMA}: "
            "run `strongroom migrate`, or the version of Strongroom that fits the database"
        )
