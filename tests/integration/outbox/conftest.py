"""An outbox on SQLite and a folder, and on PostgreSQL and MinIO."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.database.migrate import upgrade
from shared.storage.directory import DirectoryStore
from shared.storage.port import ObjectStore
from shared.storage.settings import S3Settings, s3_store
from tests.integration.outbox.client import Client
from tests.integration.outbox.host import OutboxHost
from tests.stack.handles import S3Server


@pytest.fixture(params=["embedded", "real"])
def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OutboxHost]:
    """An outbox that serves."""
    if request.param == "embedded":
        url = f"sqlite:///{tmp_path / 'outbox.db'}"
        store: ObjectStore = DirectoryStore(tmp_path / "archive", name="archive")
        upgrade(url)
    else:
        url = request.getfixturevalue("migrated_database")
        store = _bucket(request.getfixturevalue("minio"), request.getfixturevalue("bucket"))
    host = OutboxHost(url, store, tmp_path)
    with host.up():
        yield host
    host.database.close()


@pytest.fixture
def client(outbox: OutboxHost) -> Client:
    """A client with the reader's token and key."""
    return Client(outbox.url, outbox.token())


def _bucket(server: S3Server, name: str) -> ObjectStore:
    account = S3Settings(
        endpoint=server.endpoint, access_key=SecretStr(server.access_key), secret_key=SecretStr(server.secret_key)
    )
    return s3_store(name, account, threads=32)
