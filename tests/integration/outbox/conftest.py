"""An outbox on SQLite and a folder, and on PostgreSQL and MinIO."""

import uuid
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


@pytest.fixture(params=["embedded", "minio", "radosgw"])
def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OutboxHost]:
    """An outbox that serves."""
    if request.param == "embedded":
        url = f"sqlite:///{tmp_path / 'outbox.db'}"
        upgrade(url)
        host = OutboxHost(url, DirectoryStore(tmp_path / "archive", name="archive"), tmp_path)
    else:
        account = account_of(request.getfixturevalue(request.param))
        url = request.getfixturevalue("migrated_database")
        host = OutboxHost(url, bucket_of(account), tmp_path, account)
    with host.up():
        yield host
    host.database.close()


@pytest.fixture
def client(outbox: OutboxHost) -> Client:
    """A client with the reader's token and key."""
    return Client(outbox.url, outbox.token())


def account_of(server: S3Server) -> S3Settings:
    """Return the account of a server."""
    return S3Settings(
        endpoint=server.endpoint, access_key=SecretStr(server.access_key), secret_key=SecretStr(server.secret_key)
    )


def bucket_of(account: S3Settings) -> ObjectStore:
    """Return a fresh bucket."""
    store = s3_store(f"outbox-{uuid.uuid4().hex[:16]}", account, threads=32)
    store.ensure_bucket()
    return store
