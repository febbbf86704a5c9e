"""`strongroom upload` on a real S3 server."""

import json
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from minio import MinioAdmin
from minio.credentials.providers import AssumeRoleProvider, StaticProvider

from shared.crypto.header import open_header, read_header
from tests.faults.load.proxy import FaultProxy, proxy_to
from tests.integration.transfer.submitter import Submitter, end, until
from tests.stack.handles import S3Server

MIB = 2**20
PARTS = 4
SIZE = PARTS * 16 * MIB - 12345
SLOW = 600.0
"""Bytes a second of the server's answers, which have some 400: a part takes most of a second, whatever the machine."""


@pytest.fixture
def submitter(tmp_path: Path, minio: S3Server, bucket: str) -> Submitter:
    return Submitter.of(tmp_path, minio, bucket)


@pytest.fixture
def proxy(minio: S3Server) -> Iterator[FaultProxy]:
    with proxy_to(minio.endpoint) as proxy:
        yield proxy


@pytest.fixture
def remote(tmp_path: Path, minio: S3Server, bucket: str, proxy: FaultProxy) -> Submitter:
    """A submitter behind the proxy."""
    return Submitter.of(tmp_path, minio, bucket, proxy.endpoint)


def test_folders_and_files_arrive_encrypted_for_the_archive(submitter: Submitter) -> None:
    large = submitter.file("study/deep/large.bam", SIZE)
    small = submitter.file("study/small.vcf", 100_000)
    empty = submitter.file("study/deep/empty", 0)
    single = submitter.file("single.cram", 17 * MIB)
    events = submitter.events(submitter.folder / "study", single, "--into", "2027/batch 1")
    keys = {event["key"]: Path(event["file"]) for event in events if event["event"] == "outcome"}
    assert keys == {
        "2027/batch 1/study/deep/large.bam.c4gh": large,
        "2027/batch 1/study/small.vcf.c4gh": small,
        "2027/batch 1/study/deep/empty.c4gh": empty,
        "2027/batch 1/single.cram.c4gh": single,
    }
    for key, path in keys.items():
        assert submitter.decrypted(key) == path.read_bytes()
    assert submitter.journals() == []
    assert submitter.unfinished() == 0


def test_what_was_sent_is_not_sent_again_unless_it_changes(submitter: Submitter) -> None:
    first, second = submitter.file("a", 1000), submitter.file("b", 17 * MIB)
    submitter.events(first, second)
    before = submitter.object("b.c4gh")
    outcomes = [event["outcome"] for event in submitter.events(first, second) if event["event"] == "outcome"]
    assert outcomes == ["sent before", "sent before"]
    first.write_bytes(b"other")
    submitter.client.remove_object(submitter.bucket, "b.c4gh")
    outcomes = [event["outcome"] for event in submitter.events(first, second) if event["event"] == "outcome"]
    assert sorted(outcomes) == ["taken", "uploaded"]
    assert submitter.decrypted("a.c4gh") == b"other"
    assert "uploaded" in [event.get("outcome") for event in submitter.events(second, "--again")]
    assert submitter.object("b.c4gh") != before


def test_what_is_encrypted_already_is_sent_as_it_is(submitter: Submitter) -> None:
    plain = submitter.file("a.bam", SIZE)
    submitter.upload(plain)
    sealed = submitter.folder / "b.bam.c4gh"
    sealed.write_bytes(submitter.object("a.bam.c4gh"))
    submitter.events(sealed)
    assert submitter.object("b.bam.c4gh") == sealed.read_bytes()
    (submitter.folder / "c.c4gh").write_bytes(b"not encrypted at all")
    answer = submitter.upload(submitter.folder / "c.c4gh")
    assert answer.returncode == 1
    assert "is not a Crypt4GH file" in answer.stdout


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_an_upload_that_was_ended_goes_on(remote: Submitter, proxy: FaultProxy, how: signal.Signals) -> None:
    source = remote.file("large.bam", SIZE)
    proxy.slow_down(SLOW)
    process = remote.start(source, "--parallel", "2")
    until(lambda: remote.parts_sent() >= 2, "two parts to be sent")
    code, _, err = end(process, how)
    assert code == (-9 if how is signal.SIGKILL else 130), err
    assert (remote.journals()[0].stat().st_mode & 0o777) == 0o600
    sent = remote.parts_sent()
    assert 2 <= sent < PARTS
    proxy.behave()
    begun = next(event for event in remote.events(source) if event["event"] == "begun")
    assert begun["done"] >= sent * 16 * MIB
    assert remote.decrypted("large.bam.c4gh") == source.read_bytes()
    assert remote.journals() == []


def test_a_file_that_was_changed_meanwhile_begins_anew_with_another_key(remote: Submitter, proxy: FaultProxy) -> None:
    source = remote.file("large.bam", SIZE)
    proxy.slow_down(SLOW)
    process = remote.start(source, "--parallel", "2")
    until(lambda: remote.parts_sent() >= 2, "two parts to be sent")
    end(process, signal.SIGKILL)
    old_key = bytes.fromhex(json.loads(remote.journals()[0].read_text().splitlines()[0])["data_key"])
    remote.file("large.bam", SIZE)
    proxy.behave()
    events = remote.events(source)
    assert [event["event"] for event in events if event["event"] in {"anew", "begun"}] == ["anew", "begun"]
    assert next(event for event in events if event["event"] == "begun")["done"] == 0
    assert remote.decrypted("large.bam.c4gh") == source.read_bytes()
    assert remote.unfinished() == 0
    header = read_header(_Memory(remote.object("large.bam.c4gh")))
    assert old_key not in open_header(header, [remote.key]).data_keys


def test_an_upload_that_the_archive_dropped_begins_anew(remote: Submitter, proxy: FaultProxy) -> None:
    source = remote.file("large.bam", SIZE)
    proxy.slow_down(SLOW)
    process = remote.start(source, "--parallel", "2")
    until(lambda: remote.parts_sent() >= 2, "two parts to be sent")
    end(process, signal.SIGKILL)
    upload_id = json.loads(remote.journals()[0].read_text().splitlines()[0])["upload_id"]
    remote.client._abort_multipart_upload(remote.bucket, "large.bam.c4gh", upload_id)
    proxy.behave()
    assert "anew" in [event["event"] for event in remote.events(source)]
    assert remote.decrypted("large.bam.c4gh") == source.read_bytes()


def test_connections_that_break_are_made_again(remote: Submitter, proxy: FaultProxy) -> None:
    source = remote.file("large.bam", SIZE)
    proxy.cut_after(20 * MIB)
    assert remote.upload(source, "--parallel", "1").returncode == 0
    assert proxy.harmed
    assert remote.decrypted("large.bam.c4gh") == source.read_bytes()


def test_an_archive_that_stays_away_is_waited_for_and_gone_on_with_later(remote: Submitter, proxy: FaultProxy) -> None:
    sources = [remote.file("a", 1000), remote.file("b", SIZE)]
    proxy.answer(503)
    answer = remote.upload(*sources, "--patience", "2s")
    assert answer.returncode == 3
    assert "trying again" in answer.stderr
    assert "run the same command again to go on" in answer.stderr
    proxy.behave()
    assert remote.upload(*sources).returncode == 0
    assert remote.decrypted("b.c4gh") == sources[1].read_bytes()


def test_the_status_tells_what_became_of_each_file(remote: Submitter, proxy: FaultProxy) -> None:
    sources = {name: remote.file(name, 1000) for name in ("there", "taken", "replaced")}
    remote.events(*sources.values())
    remote.client.remove_object(remote.bucket, "taken.c4gh")
    remote.client.put_object(remote.bucket, "replaced.c4gh", BytesIO(b"other"), 5)
    proxy.slow_down(SLOW)
    process = remote.start(remote.file("large", SIZE), "--parallel", "1")
    until(lambda: remote.parts_sent() >= 1, "a part to be sent")
    end(process, signal.SIGKILL)
    proxy.behave()
    answer = remote.upload("--status", "--json")
    assert "does not name the log-in service" in answer.stderr
    rows = json.loads(answer.stdout)
    assert {row["key"]: row["state"] for row in rows} == {
        "large.c4gh": "under way",
        "replaced.c4gh": "replaced",
        "taken.c4gh": "taken",
        "there.c4gh": "in the inbox",
    }
    assert next(row["sent"] for row in rows if row["key"] == "large.c4gh") >= 16 * MIB
    assert len(json.loads(remote.upload("--status", "t*", "--json").stdout)) == 2


def test_two_processes_do_not_send_one_file(remote: Submitter, proxy: FaultProxy) -> None:
    source = remote.file("large.bam", SIZE)
    proxy.slow_down(SLOW)
    process = remote.start(source, "--parallel", "1")
    until(lambda: remote.parts_sent() >= 1, "a part to be sent")
    answer = remote.upload(source)
    end(process, signal.SIGKILL)
    assert answer.returncode == 1
    assert "another process is at work on it" in answer.stdout


def test_credentials_that_ended_are_asked_for_and_new_ones_go_on(remote: Submitter, proxy: FaultProxy) -> None:
    source = remote.file("large.bam", SIZE)
    with user(remote.server) as (name, secret):
        remote.configure(name, secret, login="https://login.example.org")
        proxy.slow_down(SLOW)
        process = remote.start(source, "--parallel", "1")
        until(lambda: remote.parts_sent() >= 1, "a part to be sent")
    code, out, err = end(process)
    assert code == 4, err
    assert f"log in at https://login.example.org, save the new configuration as {remote.config}" in err
    assert name not in out + err
    assert secret not in out + err
    proxy.behave()
    with user(remote.server) as (name, secret):
        remote.configure(name, secret)
        begun = next(event for event in remote.events(source) if event["event"] == "begun")
    assert begun["done"] > 0
    assert remote.decrypted("large.bam.c4gh") == source.read_bytes()


def test_credentials_that_are_replaced_in_time_are_taken_while_it_goes_on(remote: Submitter, proxy: FaultProxy) -> None:
    source = remote.file("large.bam", SIZE)
    with user(remote.server) as second:
        with user(remote.server) as first:
            remote.configure(*first)
            proxy.slow_down(SLOW)
            process = remote.start(source, "--parallel", "1")
            until(lambda: remote.parts_sent() >= 1, "a part to be sent")
            remote.configure(*second)
        proxy.behave()
        code, _, err = end(process)
    assert code == 0, err
    assert remote.decrypted("large.bam.c4gh") == source.read_bytes()


def test_expired_credentials_are_told_before_anything_is_sent(submitter: Submitter) -> None:
    submitter.configure("any", "any", expires="2020-01-01T00:00:00Z")
    answer = submitter.upload(submitter.file("a", 10))
    assert answer.returncode == 4
    assert "log in to your archive" in answer.stderr


def test_temporary_credentials_with_a_session_token_work(submitter: Submitter) -> None:
    server = submitter.server
    given = AssumeRoleProvider(
        sts_endpoint=server.endpoint,
        access_key=server.access_key,
        secret_key=server.secret_key,
        duration_seconds=900,
    ).retrieve()
    submitter.configure(given.access_key, given.secret_key, session_token=given.session_token)
    source = submitter.file("a", 1000)
    submitter.events(source)
    assert submitter.decrypted("a.c4gh") == source.read_bytes()


@contextmanager
def user(server: S3Server) -> Iterator[tuple[str, str]]:
    """A user of the server, who is no more at the end of the block."""
    admin = MinioAdmin(
        endpoint=server.address, credentials=StaticProvider(server.access_key, server.secret_key), secure=False
    )
    name, secret = f"user{uuid.uuid4().hex[:12]}", uuid.uuid4().hex
    admin.user_add(name, secret)
    admin.attach_policy(["readwrite"], user=name)
    yield name, secret
    admin.user_remove(name)


class _Memory:
    def __init__(self, content: bytes) -> None:
        self._stream = BytesIO(content)

    def readinto(self, buffer: memoryview, /) -> int:
        return self._stream.readinto(buffer)
