"""An inbox on SQLite and a folder, and on PostgreSQL and MinIO."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.database.migrate import upgrade
from tests.integration.inbox.clients import Client
from tests.integration.inbox.host import PASSWORDS, InboxHost, bucket_of, directory


@pytest.fixture(scope="session")
def ssh_keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A host key, and key pairs of a known and of an unknown submitter."""
    folder = tmp_path_factory.mktemp("keys")
    keys = {name: folder / name for name in ("host", "known", "second", "unknown")}
    for key in keys.values():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True)
    return keys


@pytest.fixture(params=["embedded", "real"])
def host(request: pytest.FixtureRequest, tmp_path: Path, ssh_keys: dict[str, Path]) -> Iterator[InboxHost]:
    """A running inbox with two users, who share their keys."""
    if request.param == "embedded":
        url, store = f"sqlite:///{tmp_path / 'inbox.db'}", directory(tmp_path / "store")
        upgrade(url)
        inbox = InboxHost(url, store, ssh_keys["host"])
    else:
        url = request.getfixturevalue("migrated_database")
        inbox = InboxHost(
            url, bucket_of(request.getfixturevalue("minio"), request.getfixturevalue("bucket")), ssh_keys["host"]
        )
    with inbox.up():
        for name, password in PASSWORDS.items():
            inbox.add_user(name, ssh_keys["second"], password)
            inbox.add_user(name, ssh_keys["known"])
        yield inbox


@pytest.fixture
def client(host: InboxHost, tmp_path: Path, ssh_keys: dict[str, Path]) -> Client:
    """Clients that hold a known key, in a folder of their own."""
    folder = tmp_path / "home"
    folder.mkdir()
    return Client(folder, host.host, host.port, ssh_keys["known"])
