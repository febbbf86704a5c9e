"""Settings of the database."""

from pydantic import Field, SecretStr

from shared.settings import Settings


class DatabaseSettings(Settings):
    """How a service reaches the database."""

    database_url: SecretStr = Field(
        description="SQLAlchemy address of the database.",
        examples=["postgresql+psycopg://ingest:password@postgres:5432/strongroom"],
    )
