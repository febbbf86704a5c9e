"""What submitters do on a good day."""

import json

import pytest

from tests.integration.inbox.clients import MIB, Client, done, write
from tests.integration.inbox.host import InboxHost

pytestmark = pytest.mark.parametrize("size", [0, 5, 40 * MIB + 7], ids=["empty", "small", "parts"])


def test_upload_is_stored_and_told_once(host: InboxHost, client: Client, size: int) -> None:
    sha256 = write(client.folder, "a.c4gh", size)
    done(client.sftp("alice", "put a.c4gh"))
    assert host.files("a.c4gh") == [("uploaded", size, True)]
    assert host.stored_sha256("a.c4gh") == sha256 == host.digests("a.c4gh")["sha256"]
    [message] = [json.loads(body) for body in host.messages()]
    assert message == {
        "user": "alice",
        "filepath": "alice/a.c4gh",
        "operation": "upload",
        "filesize": size,
        "encrypted_checksums": [{"type": name, "value": value} for name, value in host.digests("a.c4gh").items()],
    }
    assert host.rows("SELECT count(*) FROM uploads") == [(0,)]


def test_lftp_uploads_as_well(host: InboxHost, client: Client, size: int) -> None:
    sha256 = write(client.folder, "a.c4gh", size)
    done(client.lftp("bob@example.org", "mkdir -p x/y", "put -O x/y a.c4gh"))
    assert host.stored_sha256("x/y/a.c4gh") == sha256
    assert json.loads(host.messages()[0])["filepath"] == "bob_example.org/x/y/a.c4gh"


def test_second_upload_of_a_name_is_a_new_file_and_removes_the_first(
    host: InboxHost, client: Client, size: int
) -> None:
    write(client.folder, "a.c4gh", 10, seed=2)
    done(client.sftp("alice", "put a.c4gh"))
    first = host.current_id("a.c4gh")
    sha256 = write(client.folder, "a.c4gh", size)
    done(client.sftp("alice", "put a.c4gh"))
    assert host.current_id("a.c4gh") != first
    assert host.stored_sha256("a.c4gh") == sha256
    assert host.files("a.c4gh") == [("cancelled", 10, False), ("uploaded", size, True)]
    assert sorted(json.loads(body)["operation"] for body in host.messages()) == ["remove", "upload", "upload"]
    assert host.cleanups() == [first]
