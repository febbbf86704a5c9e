"""Which index is believed, and what comes of one that is damaged, or of another file: the whole file."""

import gzip
import struct
from pathlib import Path
from typing import Any

import pysam
import pytest

from tests.genomes import making
from tests.integration.outbox.genomes import Genome, body_bytes, offer
from tests.integration.outbox.host import OutboxHost

REGION: dict[str, Any] = {"referenceName": "chr1", "start": 1000, "end": 2000}


@pytest.fixture
def genome(outbox: OutboxHost, tmp_path: Path) -> Genome:
    """Reads, and an index with a name at which nobody looks for one."""
    return offer(outbox, making.write_reads(tmp_path / "reads.bam", count=8000), index_name="unknown")


def is_cut(genome: Genome, **query: Any) -> bool:
    """Whether a ticket leads to less than the whole file; if it does not, it has to lead to just that."""
    ticket = genome.ticket(**{**REGION, **query}).json()["htsget"]
    if body_bytes(ticket) < genome.sample.body_size and len(ticket["urls"]) > 2:
        return True
    assert len(ticket["urls"]) == 2
    assert body_bytes(ticket) == genome.sample.body_size
    return False


def beside(genome: Genome, index: bytes, *, name: str = "reads.bam.bai", dataset: str = "") -> None:
    """Put an index beside the reads, into their dataset or another one."""
    sample = genome.outbox.add_file(index, path=f"run 1/{name}")
    if dataset:
        genome.outbox.add_dataset(dataset, sample)
    else:
        genome.outbox.add_to_dataset(genome.dataset, sample)


@pytest.mark.parametrize("name", ["reads.bam.bai", "reads.bai", "reads.bam.bai.c4gh", "reads.bai.c4gh", "reads.csi"])
def test_index_is_found_by_its_name(genome: Genome, name: str) -> None:
    assert not is_cut(genome)
    beside(genome, genome.index.plain, name=name)
    assert is_cut(genome)


def test_index_of_another_dataset_or_submitter_is_not_looked_at(genome: Genome) -> None:
    beside(genome, genome.index.plain, dataset="EGAD-other")
    genome.outbox.grant("EGAD-other")
    assert not is_cut(genome)
    foreign = genome.outbox.add_file(genome.index.plain, path="run 1/reads.bam.bai", user="another@example.org")
    genome.outbox.add_to_dataset(genome.dataset, foreign)
    assert not is_cut(genome)


def test_newest_index_counts(genome: Genome) -> None:
    beside(genome, genome.index.plain)
    assert is_cut(genome)
    beside(genome, b"BAI\1")
    assert not is_cut(genome)


def test_index_in_a_dataset_that_was_taken_back_is_not_looked_at(genome: Genome) -> None:
    beside(genome, genome.index.plain)
    assert is_cut(genome)
    both = genome.outbox.add_file(genome.index.plain, path="run 1/x")
    genome.outbox.add_dataset("EGAD-reads-alone", genome.sample, both)
    genome.outbox.grant("EGAD-reads-alone")
    genome.outbox.revoke(genome.dataset)
    assert not is_cut(genome)


def _bai(*, bin_count: int = 1, chunks: int = 1, start: int = 0, end: int = 1 << 40) -> bytes:
    reference = struct.pack("<iIiQQi", bin_count, 4681, chunks, start, end, 0)
    return b"BAI\1" + struct.pack("<i", 3) + reference * 3


BROKEN = {
    "empty": b"\0",
    "another format": b"\x89PNG" * 50,
    "counts without end": b"BAI\1" + struct.pack("<i", 2**31 - 1),
    "negative counts": _bai(chunks=-1),
    "more bins than there can be": _bai(bin_count=2**30),
    "more chunks than fit": _bai(chunks=2**27),
    "behind the end": _bai(start=1 << 50, end=1 << 51),
    "no block there": _bai(start=5 << 16, end=1 << 30),
    "backwards": _bai(start=1 << 30, end=1 << 20),
    "a compressed flood": gzip.compress(b"BAI\1" + bytes(40 * 1024 * 1024)),
    "half a gzip file": gzip.compress(b"CSI\1" + bytes(range(256)) * 9)[:-30],
    "a deep tree": b"CSI\1" + struct.pack("<3ii", 14, 60, 0, 1),
    "a CRAM index": b"0\t1\t100\t26\t5\t9\n",
}


@pytest.mark.parametrize("broken", BROKEN)
def test_index_that_is_broken_leads_to_the_whole_file(genome: Genome, broken: str) -> None:
    beside(genome, BROKEN[broken])
    assert not is_cut(genome)


def test_index_of_another_file_leads_to_the_whole_file(genome: Genome, tmp_path: Path) -> None:
    other = making.write_reads(tmp_path / "other.bam", count=11_000)
    beside(genome, other.with_name("other.bam.bai").read_bytes())
    assert not is_cut(genome)


@pytest.mark.parametrize("damage", ["cut short", "no end", "not reads"])
def test_file_that_is_damaged_is_given_whole_and_its_header_not_told(
    outbox: OutboxHost, tmp_path: Path, damage: str
) -> None:
    path = making.write_reads(tmp_path / "reads.bam", count=3000)
    plain = path.read_bytes()
    stored = {"cut short": plain[:-5000], "no end": plain[:-28], "not reads": bytes(5000) + plain[-28:]}[damage]
    genome = offer(outbox, path, stored=stored)
    assert not is_cut(genome)
    told = genome.ticket(**{"class": "header"})
    assert (told.status_code, told.json()["htsget"]["error"]) == (400, "InvalidInput")


def test_who_may_not_read_the_file_learns_nothing_of_its_regions(genome: Genome) -> None:
    beside(genome, genome.index.plain)
    genome.outbox.revoke(genome.dataset)
    for query in ({}, {"referenceName": "chr3"}, {"start": "x"}, {"class": "header"}):
        answer = genome.ticket(**{**REGION, **query})
        assert (answer.status_code, answer.json()["htsget"]["error"]) == (403, "PermissionDenied")


def test_cram_index_that_is_broken_leads_to_the_whole_file(outbox: OutboxHost, tmp_path: Path) -> None:
    path = making.write_reads(tmp_path / "reads.cram", "cram")
    for broken in (b"0\t1\t900000\t700001\t5\t9\n", b"0\t1\t900000\t3\t5\t9\n", b"0\tx\n", b"\n"):
        path.with_name("reads.cram.crai").write_bytes(broken)
        assert not is_cut(offer(outbox, path))


def test_index_is_read_once(genome: Genome) -> None:
    beside(genome, genome.index.plain)
    assert is_cut(genome)
    asked = len(genome.outbox.streams.asked)
    assert is_cut(genome)
    again = genome.outbox.streams.asked[asked:]
    assert again
    assert {key for key, *_ in again} == {genome.sample.id}


def test_index_that_is_broken_is_read_once(genome: Genome) -> None:
    beside(genome, BROKEN["more chunks than fit"])
    assert not is_cut(genome)
    asked = len(genome.outbox.streams.asked)
    assert not is_cut(genome)
    assert genome.outbox.streams.asked[asked:] == []


def test_file_without_references_has_no_regions(outbox: OutboxHost, tmp_path: Path) -> None:
    path = tmp_path / "reads.bam"
    with pysam.AlignmentFile(str(path), "wb", header={"HD": {"VN": "1.6"}}):
        pass
    pysam.index(str(path))
    genome = offer(outbox, path)
    assert genome.ticket(**REGION).status_code == 404
    assert genome.part(tmp_path, referenceName="*").read_bytes()[-28:] == path.read_bytes()[-28:]
