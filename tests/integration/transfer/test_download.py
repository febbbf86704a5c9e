"""`strongroom download` from a real outbox."""

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest

from shared.storage.settings import s3_store
from tests.faults.load.proxy import FaultProxy, proxy_to
from tests.integration.outbox.conftest import account_of
from tests.integration.outbox.host import READER_KEY, OutboxHost, Sample
from tests.integration.transfer.researcher import Researcher
from tests.integration.transfer.submitter import decrypted, end, until
from tests.stack.handles import S3Server

MIB = 2**20
LARGE = 50 * MIB + 12345
SET = "EGAD00000000001"


@pytest.fixture
def large(outbox: OutboxHost) -> Sample:
    """A file in a dataset that may be read."""
    sample = outbox.add_file(os.urandom(LARGE), path="run 1/large.bam.c4gh")
    outbox.add_dataset(SET, sample)
    outbox.grant(SET)
    return sample


@pytest.fixture
def proxy(outbox: OutboxHost) -> Iterator[FaultProxy]:
    with proxy_to(outbox.url) as proxy:
        yield proxy


@pytest.fixture
def remote(tmp_path: Path, outbox: OutboxHost, proxy: FaultProxy) -> Researcher:
    """A researcher behind the proxy."""
    return Researcher.of(tmp_path, outbox, proxy.endpoint)


def test_a_dataset_arrives_decrypted_and_proved(tmp_path: Path, outbox: OutboxHost) -> None:
    samples = {
        "run 1/large.bam": outbox.add_file(os.urandom(LARGE), path="run 1/large.bam.c4gh"),
        "run 2/small.vcf": outbox.add_file(os.urandom(100_000), path="run 2/small.vcf.c4gh"),
        "empty": outbox.add_file(b"", path="empty.c4gh"),
    }
    outbox.add_dataset("doi:10.1/a b", *samples.values())
    outbox.grant("doi:10.1/a b")
    researcher = Researcher.of(tmp_path, outbox)
    assert "doi:10.1/a b" in researcher.download().stdout
    events = researcher.events("doi:10.1/a b")
    assert researcher.files() == {name: sample.plain for name, sample in samples.items()}
    assert [event["checked"] for event in events if event["event"] == "outcome"] == [True] * 3
    assert (researcher.target / "empty").stat().st_mode & 0o777 == 0o600
    assert {event["outcome"] for event in researcher.events("doi:10.1/a b") if event["event"] == "outcome"} == {"there"}


def test_files_stay_encrypted_for_their_reader_without_a_secret_key(tmp_path: Path, outbox: OutboxHost) -> None:
    samples = [outbox.add_file(content, path=f"{len(content)}.c4gh") for content in (b"", os.urandom(17 * MIB))]
    outbox.add_dataset(SET, *samples)
    outbox.grant(SET)
    researcher = Researcher.of(tmp_path, outbox)
    researcher.events(SET, decrypt=False)
    opened = {name: decrypted(sealed, READER_KEY) for name, sealed in researcher.files().items()}
    assert opened == {f"{len(sample.plain)}.c4gh": sample.plain for sample in samples}


def test_files_are_chosen_by_id_path_pattern_and_from_a_list(tmp_path: Path, outbox: OutboxHost) -> None:
    samples = [outbox.add_file(b"x", path=f"{name}.c4gh") for name in ("a/1", "a/2", "b/1", "c/1", "d/1")]
    outbox.add_dataset(SET, *samples)
    outbox.grant(SET)
    researcher = Researcher.of(tmp_path, outbox)
    chosen = tmp_path / "chosen"
    chosen.write_text(f"# mine\n\n{samples[3].accession}\nb/1.c4gh\n")
    researcher.events(SET, "a/*", "--from-file", chosen)
    assert set(researcher.files()) == {"a/1", "a/2", "b/1", "c/1"}
    answer = researcher.download(SET, "e/*")
    assert answer.returncode == 1
    assert "the dataset has no file e/*" in answer.stderr


def test_what_is_not_granted_is_not_there(remote: Researcher, large: Sample) -> None:
    answer = remote.download("EGAD00000000002")
    assert answer.returncode == 1
    assert "it is not there, or not granted to you" in answer.stderr
    assert not remote.target.exists()


def test_two_keys_at_once_are_not_understood(remote: Researcher, large: Sample) -> None:
    assert remote.download(SET, "--key", remote.secret, decrypt=False).returncode == 2
    assert not remote.target.exists()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_download_that_was_ended_goes_on(
    remote: Researcher, large: Sample, proxy: FaultProxy, how: signal.Signals
) -> None:
    proxy.slow_down(16 * MIB)
    process = remote.start(SET, "--parallel", "1")
    until(lambda: remote.pieces_done() >= 1, "a piece to be there")
    code, _, err = end(process, how)
    assert code == (-9 if how is signal.SIGKILL else 130), err
    done = remote.pieces_done()
    assert set(remote.files()) == {"run 1/large.bam.part", "run 1/large.bam.part.journal"}
    proxy.behave()
    begun = next(event for event in remote.events(SET) if event["event"] == "begun")
    assert begun["done"] >= done * 16 * MIB
    assert remote.files() == {"run 1/large.bam": large.plain}


def test_connections_that_break_at_any_place_cost_only_what_was_not_read(
    remote: Researcher, large: Sample, proxy: FaultProxy
) -> None:
    proxy.cut_after(3 * MIB + 4321)
    assert remote.download(SET).returncode == 0
    assert proxy.harmed > LARGE // (4 * MIB)
    assert remote.files() == {"run 1/large.bam": large.plain}


def test_an_outbox_that_stays_away_is_waited_for_and_gone_on_with_later(
    remote: Researcher, large: Sample, proxy: FaultProxy
) -> None:
    proxy.answer(503)
    answer = remote.download(SET, "--patience", "2s")
    assert answer.returncode == 3
    assert "run the same command again to go on" in answer.stderr
    proxy.behave()
    assert remote.download(SET).returncode == 0


@pytest.mark.parametrize("settings", [{"outbox_reader_requests": 2, "outbox_reader_rate": 20}])
def test_an_outbox_that_is_too_busy_is_not_pressed(remote: Researcher, large: Sample) -> None:
    events = remote.events(SET, "--parallel", "8")
    assert "waiting" in [event["event"] for event in events]
    assert remote.files() == {"run 1/large.bam": large.plain}


def test_content_that_the_store_itself_gives_out_is_fetched_there(
    tmp_path: Path, migrated_database: str, minio: S3Server, bucket: str
) -> None:
    account = account_of(minio)
    host = OutboxHost(migrated_database, s3_store(bucket, account), tmp_path, account)
    with host.up(outbox_content="redirect", outbox_redirect_seconds=60):
        sample = host.add_file(os.urandom(LARGE), path="large.bam.c4gh")
        host.add_dataset(SET, sample)
        host.grant(SET)
        researcher = Researcher.of(tmp_path, host)
        researcher.events(SET)
        assert researcher.files() == {"large.bam": sample.plain}
    host.database.close()


def test_a_token_that_ended_is_asked_for_and_a_new_one_goes_on(
    remote: Researcher, large: Sample, outbox: OutboxHost
) -> None:
    remote.configure(outbox.token(ttl=timedelta(seconds=-3600)))
    answer = remote.download(SET)
    assert answer.returncode == 4
    assert "the token is not valid any more" in answer.stderr
    remote.configure(outbox.token())
    assert remote.download(SET).returncode == 0


def test_what_the_archive_has_damaged_is_not_kept(remote: Researcher, large: Sample, outbox: OutboxHost) -> None:
    with outbox.archive.open(large.id) as body:
        damaged = bytearray(large.body_size)
        view, filled = memoryview(damaged), 0
        while filled < len(damaged):
            filled += body.readinto(view[filled:])
    damaged[20 * MIB] ^= 1
    outbox.archive.put(large.id, BytesIO(damaged), len(damaged))
    answer = remote.download(SET)
    assert answer.returncode == 1
    assert "damaged in segment" in answer.stdout
    assert remote.files() == {}


def test_a_partial_file_that_was_lost_is_begun_anew(remote: Researcher, large: Sample, proxy: FaultProxy) -> None:
    proxy.slow_down(16 * MIB)
    process = remote.start(SET, "--parallel", "1")
    until(lambda: remote.pieces_done() >= 1, "a piece to be there")
    end(process, signal.SIGKILL)
    (remote.target / "run 1" / "large.bam.part").unlink()
    proxy.behave()
    assert "anew" in [event["event"] for event in remote.events(SET)]
    assert remote.files() == {"run 1/large.bam": large.plain}
