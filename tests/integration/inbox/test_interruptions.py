"""Connections break, clients die, the front is started again: nothing that was stored is sent twice, or told early."""

import json

from tests.integration.inbox.clients import MIB, Client, done, failed, write
from tests.integration.inbox.host import InboxHost
from tests.stack.process import wait_until

SIZE = 70 * MIB + 3


def interrupt(host: InboxHost, client: Client, *, parts: int = 1) -> int:
    """Kill a client in the middle of `a.c4gh`, and return the size that is safe."""
    upload = client.start_sftp("alice", "put a.c4gh", options=("-l", "160000"))
    wait_until(lambda: len(host.stored_parts()) >= parts, within=60, what="no part is stored")
    upload.kill()
    upload.wait(10)
    wait_until(lambda: host.open_uploads == 0, within=60, what="the lost connection is not noticed")
    return sum(part.size for part in host.stored_parts())


def listed_size(client: Client, name: str = "a.c4gh") -> int:
    lines = done(client.sftp("alice", "ls -ln")).splitlines()
    [size] = [int(line.split()[4]) for line in lines if line.endswith(name)]
    return size


def test_killed_client_leaves_an_upload_that_reput_ends(host: InboxHost, client: Client) -> None:
    sha256 = write(client.folder, "a.c4gh", SIZE)
    safe = interrupt(host, client)
    assert 16 * MIB <= safe < SIZE
    assert host.files("a.c4gh") == [("registered", None, False)]
    assert host.messages() == []
    assert listed_size(client) == safe - 1
    done(client.sftp("alice", "reput a.c4gh"))
    assert host.files("a.c4gh") == [("uploaded", SIZE, True)]
    assert host.stored_sha256("a.c4gh") == sha256 == host.digests("a.c4gh")["sha256"]
    assert len(host.messages()) == 1


def test_lftp_goes_on_where_sftp_was_killed(host: InboxHost, client: Client) -> None:
    sha256 = write(client.folder, "a.c4gh", SIZE)
    interrupt(host, client)
    done(client.lftp("alice", "put -c a.c4gh"))
    assert host.stored_sha256("a.c4gh") == sha256 == host.digests("a.c4gh")["sha256"]
    assert len(host.messages()) == 1


def test_upload_survives_a_new_start_of_the_front(host: InboxHost, client: Client) -> None:
    sha256 = write(client.folder, "a.c4gh", SIZE)
    interrupt(host, client)
    host.restart()
    done(client.sftp("alice", "reput a.c4gh"))
    assert host.stored_sha256("a.c4gh") == sha256
    assert host.digests("a.c4gh") == {}
    assert json.loads(host.messages()[0]) == {
        "user": "alice",
        "filepath": "alice/a.c4gh",
        "operation": "upload",
        "filesize": SIZE,
    }


def test_stopping_the_front_keeps_what_was_sent(host: InboxHost, client: Client) -> None:
    sha256 = write(client.folder, "a.c4gh", SIZE)
    upload = client.start_sftp("alice", "put a.c4gh", options=("-l", "40000"))
    wait_until(lambda: len(host.stored_parts()) >= 1, within=60, what="no part is stored")
    host.restart()
    assert upload.wait(20) != 0
    done(client.sftp("alice", "reput a.c4gh"))
    assert host.stored_sha256("a.c4gh") == sha256


def test_new_upload_of_an_interrupted_name_begins_anew(host: InboxHost, client: Client) -> None:
    write(client.folder, "a.c4gh", SIZE)
    interrupt(host, client)
    sha256 = write(client.folder, "a.c4gh", 10, seed=2)
    done(client.sftp("alice", "put a.c4gh"))
    assert host.files("a.c4gh") == [("cancelled", None, False), ("uploaded", 10, True)]
    assert host.stored_sha256("a.c4gh") == sha256
    assert [json.loads(body)["operation"] for body in host.messages()] == ["upload"]
    assert list(host.store.unfinished_uploads()) == []


def test_interrupted_upload_is_neither_renamed_nor_told_of_when_removed(host: InboxHost, client: Client) -> None:
    write(client.folder, "a.c4gh", SIZE)
    interrupt(host, client)
    assert "ermission denied" in failed(client.sftp("alice", "rename a.c4gh b.c4gh"))
    done(client.sftp("alice", "rm a.c4gh"))
    assert host.files("a.c4gh") == [("cancelled", None, False)]
    assert host.messages() == []
    assert list(host.store.unfinished_uploads()) == []


def test_sessions_that_upload_one_name_at_the_same_time_end_with_one_file(host: InboxHost, client: Client) -> None:
    write(client.folder, "a.c4gh", 20 * MIB)
    sessions = [client.start_sftp("alice", "put a.c4gh") for _ in range(4)]
    outcomes = [session.wait(60) for session in sessions]
    assert 0 in outcomes
    present = [row for row in host.files("a.c4gh") if row[2]]
    assert present == [("uploaded", 20 * MIB, True)]
    operations = [json.loads(body)["operation"] for body in host.messages()]
    assert operations.count("upload") == outcomes.count(0)
    assert operations.count("remove") == outcomes.count(0) - 1
