"""So many bytes may a user have in the inbox, by SFTP as by S3, and no more."""

import pytest

from tests.integration.inbox.clients import MIB, Client, done, failed, write
from tests.integration.inbox.host import InboxHost
from tests.integration.inbox.test_interruptions import interrupt

QUOTA = 64 * MIB


@pytest.fixture(autouse=True)
def quota(host: InboxHost) -> None:
    host.more["inbox_quota"] = QUOTA
    host.restart()


def test_what_is_too_much_is_refused_until_there_is_room(host: InboxHost, client: Client) -> None:
    for name, size in (("a.c4gh", 40), ("b.c4gh", 30), ("c.c4gh", 5), ("d.c4gh", 25)):
        write(client.folder, name, size * MIB)
    done(client.sftp("alice", "put a.c4gh"))
    failed(client.sftp("alice", "put b.c4gh"))
    assert len(host.messages()) == 1
    done(client.sftp("alice", "rm b.c4gh", "put c.c4gh"))
    failed(client.sftp("alice", "put d.c4gh"))
    done(client.sftp("bob@example.org", "put d.c4gh"))
    done(client.sftp("alice", "rm d.c4gh", "rm a.c4gh", "put b.c4gh"))
    assert [host.files(name) for name in ("b.c4gh", "c.c4gh")] == [
        [("cancelled", None, False), ("uploaded", 30 * MIB, True)],
        [("uploaded", 5 * MIB, True)],
    ]


def test_nothing_is_taken_of_a_user_without_room(host: InboxHost, client: Client) -> None:
    write(client.folder, "a.c4gh", QUOTA)
    write(client.folder, "b.c4gh", 1)
    done(client.sftp("alice", "put a.c4gh"))
    failed(client.sftp("alice", "put b.c4gh"))
    assert host.files("b.c4gh") == []


def test_what_came_of_an_interrupted_upload_counts_and_can_be_gone_on_with(host: InboxHost, client: Client) -> None:
    write(client.folder, "a.c4gh", 60 * MIB)
    write(client.folder, "b.c4gh", 50 * MIB)
    interrupt(host, client)
    failed(client.sftp("alice", "put b.c4gh"))
    done(client.sftp("alice", "rm b.c4gh", "reput a.c4gh"))
    assert host.files("a.c4gh") == [("uploaded", 60 * MIB, True)]
