"""Submitters whom Central EGA knows, by real clients; and users who are disabled while they are connected."""

import asyncio
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.inbox.eviction import evict
from shared.access.passwords import hash_password
from shared.database.migrate import upgrade
from tests.integration.inbox.clients import Client, done, failed, write
from tests.integration.inbox.host import InboxHost, directory
from tests.stack.central_ega import CentralEgaUsers
from tests.stack.process import wait_until


@pytest.fixture
def central(ssh_keys: dict[str, Path]) -> Iterator[CentralEgaUsers]:
    public = [ssh_keys[name].with_suffix(".pub").read_text() for name in ("second", "known")]
    with CentralEgaUsers() as central:
        central.add("carol", passwordHash=hash_password("correct horse", rounds=4), sshPublicKey=public)
        yield central


@pytest.fixture
def host(tmp_path: Path, ssh_keys: dict[str, Path], central: CentralEgaUsers) -> Iterator[InboxHost]:
    """An inbox that looks users up at Central EGA, whose answers expire at once."""
    url = f"sqlite:///{tmp_path / 'inbox.db'}"
    upgrade(url)
    settings = {**central.settings, "cega_ttl_seconds": 1e-9}
    inbox = InboxHost(url, directory(tmp_path / "store"), ssh_keys["host"], more=settings)
    with inbox.up():
        yield inbox


def test_password_and_every_key_let_in(host: InboxHost, client: Client, ssh_keys: dict[str, Path]) -> None:
    write(client.folder, "a.c4gh", 5)
    done(client.sftp_by_password("carol", "correct horse", "put a.c4gh"))
    for key in ("known", "second"):
        done(dataclasses.replace(client, key=ssh_keys[key]).sftp("carol", "ls"))
    assert "Permission denied" in failed(dataclasses.replace(client, key=ssh_keys["unknown"]).sftp("carol", "ls"))
    assert "Permission denied" in failed(client.sftp_by_password("carol", "battery staple", "ls"))
    assert '"user":"carol"' in host.messages()[0]


def test_disabled_and_unknown_users_stay_out(host: InboxHost, client: Client, central: CentralEgaUsers) -> None:
    central.add("carol", enabled=False)
    for name in ("carol", "nobody"):
        assert "Permission denied" in failed(client.sftp(name, "ls"))


def test_nobody_is_judged_while_central_ega_is_away(host: InboxHost, client: Client, central: CentralEgaUsers) -> None:
    central.status = 500
    assert "try again" in failed(client.sftp("carol", "ls")) + failed(client.ssh("carol", "true"))


def test_connection_of_a_disabled_user_ends(host: InboxHost, client: Client, central: CentralEgaUsers) -> None:
    session = client.start_sftp("carol", "!sleep 30", "ls")
    connections = host.front._connections
    wait_until(lambda: "carol" in connections.values(), within=20, what="nobody logs in")
    _evict(host)
    assert session.poll() is None
    central.status = 500
    _evict(host)
    assert session.poll() is None, "while Central EGA is away nobody is judged"
    central.status = 200
    central.add("carol", enabled=False)
    _evict(host)
    wait_until(lambda: not connections, within=20, what="the connection does not end")
    session.kill()
    session.wait(30)


def _evict(host: InboxHost) -> None:
    front = host.front
    asyncio.run_coroutine_threadsafe(evict(front._directory, front._connections), front._loop).result(20)
