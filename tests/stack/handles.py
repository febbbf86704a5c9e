"""What a test needs to know to talk to a server: addresses and credentials, no way to stop it."""

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, kw_only=True)
class RabbitMQ:
    """A RabbitMQ node; the user is its administrator."""

    host: str
    port: int
    management_url: str
    user: str
    password: str

    def url(self, vhost: str = "/") -> str:
        """Give the AMQP URL of one vhost."""
        return f"amqp://{self.user}:{self.password}@{self.host}:{self.port}/{quote(vhost, safe='')}"


@dataclass(frozen=True, kw_only=True)
class PostgresServer:
    """A PostgreSQL server; the user is its superuser."""

    host: str
    port: int
    user: str
    password: str

    def url(self, database: str = "postgres") -> str:
        """Give the SQLAlchemy URL of one database."""
        return f"postgresql+psycopg://{self._authority}/{database}"

    def dsn(self, database: str = "postgres") -> str:
        """Give the libpq connection string of one database."""
        return f"postgresql://{self._authority}/{database}"

    @property
    def _authority(self) -> str:
        return f"{self.user}:{self.password}@{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class S3Server:
    """An S3 server; `endpoint` is a URL without a path."""

    endpoint: str
    access_key: str
    secret_key: str

    @property
    def address(self) -> str:
        """Host and port, as the `minio` client wants it."""
        return self.endpoint.partition("://")[2]
