"""Inboxes with an S3 front on each kind of store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.folder import new_token_key
from shared.database.migrate import upgrade
from tests.contract.storage.proxy import self_signed
from tests.integration.inbox.conftest import ssh_keys as ssh_keys  # noqa: PLC0414 - a fixture
from tests.integration.inbox.host import bucket_of, directory
from tests.integration.inbox_s3.host import Replicas, Terrain
from tests.stack import s3


@pytest.fixture(params=["directory", "minio"])
def terrain(request: pytest.FixtureRequest, tmp_path: Path, ssh_keys: dict[str, Path]) -> Terrain:
    """A database and a store: embedded, and as in production."""
    return _terrain(request.param, request, tmp_path, ssh_keys["host"])


@pytest.fixture
def inbox(terrain: Terrain) -> Iterator[Replicas]:
    """One inbox."""
    with terrain.inboxes() as started:
        yield started


@pytest.fixture(params=["directory", "minio", "radosgw"])
def any_terrain(request: pytest.FixtureRequest, tmp_path: Path, ssh_keys: dict[str, Path]) -> Terrain:
    """Every store that is supported."""
    return _terrain(request.param, request, tmp_path, ssh_keys["host"])


@pytest.fixture
def real_terrain(request: pytest.FixtureRequest, tmp_path: Path, ssh_keys: dict[str, Path]) -> Terrain:
    """A database and a store as in production."""
    return _terrain("minio", request, tmp_path, ssh_keys["host"])


@pytest.fixture
def embedded_terrain(request: pytest.FixtureRequest, tmp_path: Path, ssh_keys: dict[str, Path]) -> Terrain:
    """A database and a store that need no server."""
    return _terrain("directory", request, tmp_path, ssh_keys["host"])


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for this machine that vouches for itself, and its key."""
    path, _ = self_signed(tmp_path_factory.mktemp("tls"))
    return path, path.with_name("key.pem")


def _terrain(kind: str, request: pytest.FixtureRequest, folder: Path, host_key: Path) -> Terrain:
    if kind == "directory":
        url = f"sqlite:///{folder / 'inbox.db'}"
        upgrade(url)
        return Terrain(url, directory(folder / "store"), None, folder, host_key, new_token_key())
    url = request.getfixturevalue("migrated_database")
    server = request.getfixturevalue(kind)
    bucket = request.getfixturevalue("bucket") if kind == "minio" else "inbox-s3-front"
    if kind == "radosgw" and not s3.client(server).bucket_exists(bucket):
        s3.client(server).make_bucket(bucket)
    return Terrain(url, bucket_of(server, bucket), server, folder, host_key, new_token_key())
