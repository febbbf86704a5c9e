"""Listing, renaming, removing, folders, checksum files."""

import hashlib
import json
from typing import Any

import pytest

from tests.integration.inbox.clients import Client, done, failed, write
from tests.integration.inbox.host import InboxHost


def told(host: InboxHost) -> list[tuple[str, ...]]:
    """Operation, path and old path of all messages."""
    messages: list[dict[str, Any]] = [json.loads(body) for body in host.messages()]
    return [(m["operation"], m["filepath"], *([m["oldpath"]] if "oldpath" in m else [])) for m in messages]


def names(client: Client, user: str = "alice", folder: str = ".") -> list[str]:
    return [line.removeprefix("./") for line in done(client.sftp(user, f"ls -1 {folder}")).splitlines()[1:]]


@pytest.fixture(autouse=True)
def files(client: Client) -> None:
    write(client.folder, "a.c4gh", 5)


def test_rename_is_told_with_the_old_path(host: InboxHost, client: Client) -> None:
    done(client.sftp("alice", "put a.c4gh", "mkdir f", "rename a.c4gh f/b.c4gh"))
    assert told(host) == [("upload", "alice/a.c4gh"), ("rename", "alice/f/b.c4gh", "alice/a.c4gh")]
    assert names(client) == ["f"]
    assert names(client, folder="f") == ["f/b.c4gh"]


def test_rename_over_a_file_replaces_it(host: InboxHost, client: Client) -> None:
    done(client.sftp("alice", "put a.c4gh", "put a.c4gh b.c4gh", "rename a.c4gh b.c4gh"))
    assert host.files("b.c4gh") == [("uploaded", 5, True), ("cancelled", 5, False)]
    assert sorted(told(host)[2:]) == [("remove", "alice/b.c4gh"), ("rename", "alice/b.c4gh", "alice/a.c4gh")]
    assert len(host.cleanups()) == 1


def test_plain_rename_of_sftp_version_3_replaces_nothing(host: InboxHost, client: Client) -> None:
    done(client.sftp("alice", "put a.c4gh", "put a.c4gh b.c4gh"))
    failed(client.sftp("alice", "rename -l a.c4gh b.c4gh"))
    assert len(told(host)) == 2


def test_renamed_folder_tells_of_each_file(host: InboxHost, client: Client) -> None:
    done(client.sftp("alice", "mkdir f", "mkdir f/g", "mkdir f/empty", "put a.c4gh f/1", "put a.c4gh f/g/2"))
    done(client.sftp("alice", "rename f h"))
    assert sorted(told(host)[2:]) == [("rename", "alice/h/1", "alice/f/1"), ("rename", "alice/h/g/2", "alice/f/g/2")]
    assert names(client, folder="h") == ["h/1", "h/empty", "h/g"]
    assert names(client) == ["h"]
    failed(client.sftp("alice", "rename h h/inside"))


def test_removed_file_is_told_and_cleaned_up(host: InboxHost, client: Client) -> None:
    done(client.sftp("alice", "put a.c4gh"))
    file_id = host.current_id("a.c4gh")
    done(client.sftp("alice", "rm a.c4gh"))
    assert told(host)[1:] == [("remove", "alice/a.c4gh")]
    assert host.cleanups() == [file_id]
    assert host.files("a.c4gh") == [("cancelled", 5, False)]
    assert names(client) == []
    failed(client.sftp("alice", "rm a.c4gh"))


def test_folder_with_something_in_it_stays(host: InboxHost, client: Client) -> None:
    done(client.sftp("alice", "mkdir f", "put a.c4gh f/"))
    failed(client.sftp("alice", "rmdir f"))
    done(client.sftp("alice", "rm f/a.c4gh", "rmdir f"))
    assert names(client) == []


def test_file_needs_a_folder_that_exists(host: InboxHost, client: Client) -> None:
    failed(client.sftp("alice", "put a.c4gh no/such/a.c4gh"))
    failed(client.sftp("alice", "mkdir no/such"))
    assert host.files("no/such/a.c4gh") == []


def test_whole_tree_is_uploaded(host: InboxHost, client: Client) -> None:
    (client.folder / "t" / "u").mkdir(parents=True)
    write(client.folder, "t/1", 5)
    write(client.folder, "t/u/2", 5)
    done(client.sftp("alice", "put -rp t"))
    done(client.lftp("alice", "mirror -R t t2"))
    assert {path for _, path in told(host)} == {"alice/t/1", "alice/t/u/2", "alice/t2/1", "alice/t2/u/2"}
    assert len(told(host)) == 4


def test_checksum_file_is_kept_and_told_to_nobody(host: InboxHost, client: Client) -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    (client.folder / "a.c4gh.sha256").write_text(f"{digest.upper()}  a.c4gh\n", encoding="ascii")
    done(client.sftp("alice", "put a.c4gh.sha256", "rename a.c4gh.sha256 b.c4gh.sha256"))
    assert host.rows("SELECT path, algorithm, value FROM sidecars") == [("b.c4gh.sha256", "sha256", digest)]
    assert names(client) == ["b.c4gh.sha256"]
    assert told(host) == []
    assert host.rows("SELECT count(*) FROM files") == [(0,)]
    done(client.sftp("alice", "rm b.c4gh.sha256"))
    assert names(client) == []


@pytest.mark.parametrize("content", ["", "no checksum", "abc123  a.c4gh", "0" * 5000])
def test_checksum_file_without_a_checksum_is_refused(host: InboxHost, client: Client, content: str) -> None:
    (client.folder / "a.c4gh.MD5").write_text(content, encoding="ascii")
    failed(client.sftp("alice", "put a.c4gh.MD5"))
    assert names(client) == []


def test_ingested_file_keeps_its_name_and_may_leave(host: InboxHost, client: Client) -> None:
    done(client.sftp("alice", "put a.c4gh"))
    with host.database.write() as connection:
        connection.exec_driver_sql("UPDATE files SET state = 'submitted'")
    for command in ("rm a.c4gh", "rename a.c4gh b.c4gh"):
        assert "ermission denied" in failed(client.sftp("alice", command))
    with host.database.write() as connection:
        connection.exec_driver_sql("UPDATE files SET state = 'archived'")
    assert "ermission denied" in failed(client.sftp("alice", "rename a.c4gh b.c4gh"))
    done(client.sftp("alice", "rm a.c4gh"))
    assert host.files("a.c4gh") == [("archived", 5, False)]
    assert told(host)[1:] == [("remove", "alice/a.c4gh")]
