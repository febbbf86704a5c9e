"""Who may not enter, and what nobody reaches from inside."""

import dataclasses
from pathlib import Path

import pytest

from tests.integration.inbox.clients import Client, done, failed, write
from tests.integration.inbox.host import PASSWORDS, InboxHost


@pytest.fixture(autouse=True)
def files(client: Client) -> None:
    write(client.folder, "a.c4gh", 5)


def test_password_lets_in(host: InboxHost, client: Client) -> None:
    done(client.sftp_by_password("alice", PASSWORDS["alice"], "put a.c4gh"))
    assert len(host.messages()) == 1


@pytest.mark.parametrize(
    ("user", "password"), [("alice", "wrong"), ("alice", PASSWORDS["bob@example.org"]), ("nobody", "x"), ("../x", "x")]
)
def test_wrong_password_is_refused(host: InboxHost, client: Client, user: str, password: str) -> None:
    assert "Permission denied" in failed(client.sftp_by_password(user, password, "ls"))


@pytest.mark.parametrize("user", ["alice", "nobody"])
def test_unknown_key_is_refused(host: InboxHost, client: Client, ssh_keys: dict[str, Path], user: str) -> None:
    stranger = dataclasses.replace(client, key=ssh_keys["unknown"])
    assert "Permission denied" in failed(stranger.sftp(user, "ls"))


def test_every_key_of_a_user_lets_in(host: InboxHost, client: Client, ssh_keys: dict[str, Path]) -> None:
    done(client.sftp("alice", "ls"))
    done(dataclasses.replace(client, key=ssh_keys["second"]).sftp("alice", "ls"))


def test_disabled_user_is_out_at_once(host: InboxHost, client: Client) -> None:
    done(client.sftp("alice", "ls"))
    host.disable("alice")
    assert "Permission denied" in failed(client.sftp("alice", "ls"))
    assert "Permission denied" in failed(client.sftp_by_password("alice", PASSWORDS["alice"], "ls"))


def test_users_never_see_each_other(host: InboxHost, client: Client) -> None:
    done(client.sftp("alice", "mkdir f", "put a.c4gh f/"))
    for path in (".", "..", "../alice", "../../alice/f", "/alice", "f"):
        assert "a.c4gh" not in client.sftp("bob@example.org", f"ls -la {path}").stdout
    failed(client.sftp("bob@example.org", "rm f/a.c4gh"))
    done(client.sftp("bob@example.org", "mkdir f", "put a.c4gh f/", "rm f/a.c4gh"))
    assert host.rows("SELECT count(*) FROM files WHERE inbox_location IS NOT NULL") == [(1,)]


def test_no_path_leads_out_of_the_root(host: InboxHost, client: Client) -> None:
    failed(client.sftp("alice", "ls ../../etc/passwd"))
    failed(client.sftp("alice", "get /etc/passwd"))
    assert "Remote working directory: /\n" in done(client.sftp("alice", "cd ../../..", "pwd"))
    done(client.sftp("alice", "put a.c4gh ../../../a.c4gh"))
    assert host.rows("SELECT path FROM files") == [("a.c4gh",)]


def test_nothing_can_be_read(host: InboxHost, client: Client) -> None:
    done(client.sftp("alice", "put a.c4gh"))
    assert "ermission denied" in failed(client.sftp("alice", "get a.c4gh b.c4gh"))
    assert not (client.folder / "b.c4gh").exists() or not (client.folder / "b.c4gh").stat().st_size


@pytest.mark.parametrize("command", ["ln -s /etc/passwd x", "ln -s a.c4gh x", "ln a.c4gh x"])
def test_links_are_refused(host: InboxHost, client: Client, command: str) -> None:
    done(client.sftp("alice", "put a.c4gh"))
    assert "ermission denied" in failed(client.sftp("alice", command))


@pytest.mark.parametrize("name", ["a\tb", "n" * 256, "/".join(["n" * 250] * 17)])
def test_bad_names_are_refused(host: InboxHost, client: Client, name: str) -> None:
    failed(client.sftp("alice", f'put a.c4gh "{name}"'))
    assert host.rows("SELECT path FROM files") == []


def test_names_of_any_language_are_kept(host: InboxHost, client: Client) -> None:
    done(client.sftp("alice", 'put a.c4gh "été 50%_ñ 猫.c4gh"'))
    assert host.rows("SELECT path FROM files") == [("été 50%_ñ 猫.c4gh",)]


def test_there_is_neither_shell_nor_command(host: InboxHost, client: Client) -> None:
    failed(client.ssh("alice", "id"))
    failed(client.ssh("alice"))


def test_root_stays(host: InboxHost, client: Client) -> None:
    failed(client.sftp("alice", "rmdir /"))
    failed(client.sftp("alice", "rename / x"))


def test_changes_of_mode_and_time_change_nothing(host: InboxHost, client: Client) -> None:
    done(client.sftp("alice", "put -p a.c4gh", "chmod 777 a.c4gh"))
    assert "-rw-------" in done(client.sftp("alice", "ls -l"))
