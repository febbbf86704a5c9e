"""Servers go away in the middle of an upload."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.database.migrate import upgrade
from shared.database.types import now
from tests.integration.inbox.clients import MIB, Client, done, failed, write
from tests.integration.inbox.host import InboxHost, bucket_of, directory
from tests.stack import s3
from tests.stack.minio import MinioServer
from tests.stack.postgres import PostgresProcess, create_database, drop_database
from tests.stack.process import wait_until

SIZE = 40 * MIB + 1
BUCKET = "inbox"


@pytest.fixture
def host(own_postgres: PostgresProcess, own_minio: MinioServer, ssh_keys: dict[str, Path]) -> Iterator[InboxHost]:
    own_postgres.start()
    own_minio.start()
    drop_database(own_postgres.handle, BUCKET)
    create_database(own_postgres.handle, BUCKET)
    upgrade(own_postgres.handle.url(BUCKET))
    s3.delete_bucket(own_minio.handle, BUCKET)
    s3.client(own_minio.handle).make_bucket(BUCKET)
    inbox = InboxHost(own_postgres.handle.url(BUCKET), bucket_of(own_minio.handle, BUCKET), ssh_keys["host"])
    with inbox.up():
        inbox.add_user("alice", ssh_keys["known"])
        yield inbox


def test_database_that_is_away_at_the_end_loses_nothing(
    host: InboxHost, client: Client, own_postgres: PostgresProcess
) -> None:
    sha256 = write(client.folder, "a.c4gh", SIZE)
    upload = client.start_sftp("alice", "put a.c4gh", options=("-l", "80000"))
    wait_until(lambda: len(host.stored_parts()) >= 1, within=30, what="no part is stored")
    own_postgres.kill()
    assert upload.wait(60) != 0
    own_postgres.start()
    host.reconciler.reconcile(now() + timedelta(minutes=3))
    assert host.files("a.c4gh") == [("uploaded", SIZE, True)]
    assert host.stored_sha256("a.c4gh") == sha256 == host.digests("a.c4gh")["sha256"]
    assert len(host.messages()) == 1


def test_store_that_is_away_for_long_leaves_an_upload_to_go_on_with(
    host: InboxHost, client: Client, own_minio: MinioServer
) -> None:
    sha256 = write(client.folder, "a.c4gh", SIZE)
    upload = client.start_sftp("alice", "put a.c4gh", options=("-l", "80000"))
    wait_until(lambda: len(host.stored_parts()) >= 1, within=30, what="no part is stored")
    own_minio.kill()
    assert upload.wait(60) != 0
    failed(client.sftp("alice", "reput a.c4gh"))
    own_minio.start()
    done(client.sftp("alice", "reput a.c4gh"))
    assert host.stored_sha256("a.c4gh") == sha256 == host.digests("a.c4gh")["sha256"]
    assert len(host.messages()) == 1


def test_front_without_a_usable_host_key_or_port_says_so(tmp_path: Path, ssh_keys: dict[str, Path]) -> None:
    from shared.errors import ConfigurationError

    url = f"sqlite:///{tmp_path / 'inbox.db'}"
    upgrade(url)
    with pytest.raises(ConfigurationError, match="host key"):
        InboxHost(url, directory(tmp_path / "store"), tmp_path / "none").start()
    with InboxHost(url, directory(tmp_path / "store"), ssh_keys["host"]).up() as first:
        second = InboxHost(url, directory(tmp_path / "store"), ssh_keys["host"], port=first.port)
        with pytest.raises(ConfigurationError, match="cannot listen"):
            second.start()
