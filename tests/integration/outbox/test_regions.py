"""Regions of genome files, cut out by their indexes: htslib reads the same records in them as in the whole file."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import htsget
import pysam
import pytest

from services.outbox.htsget import extract
from shared.database.migrate import upgrade
from shared.storage.directory import DirectoryStore
from tests.genomes import making, truth
from tests.integration.outbox.client import KEY
from tests.integration.outbox.genomes import GENOMES, Genome, body_bytes, offer
from tests.integration.outbox.host import OutboxHost, decrypted


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OutboxHost]:
    """An outbox that serves all tests of this file."""
    folder = tmp_path_factory.mktemp("outbox")
    upgrade(f"sqlite:///{folder / 'outbox.db'}")
    host = OutboxHost(f"sqlite:///{folder / 'outbox.db'}", DirectoryStore(folder / "archive", name="archive"), folder)
    with host.up(outbox_reader_rate=10_000):
        yield host
    host.database.close()


@pytest.fixture(scope="module", params=GENOMES)
def genome(request: pytest.FixtureRequest, embedded: OutboxHost, tmp_path_factory: pytest.TempPathFactory) -> Genome:
    """A file of each format."""
    return offer(embedded, GENOMES[request.param](tmp_path_factory.mktemp("genome")))


def regions(count: int) -> Iterator[truth.Wanted]:
    """Return regions of all sizes, at the edges and behind them, too."""
    chance = random.Random(3)
    yield from [("chr1", 0, 600_000), ("chr2", 299_999, 300_000), ("chr2", 0, 1), ("chrEmpty", 0, 50_000)]
    for _ in range(count):
        start = chance.randrange(290_000)
        yield chance.choice(["chr1", "chr2"]), start, start + chance.choice([1, 100, 5000, 40_000])


def test_region_holds_the_records_that_htslib_finds(genome: Genome, tmp_path: Path) -> None:
    smallest = genome.sample.body_size
    for wanted in regions(15):
        name, start, end = wanted
        part = genome.part(tmp_path, referenceName=name, start=start, end=end)
        assert truth.overlapping(part, wanted) == truth.records_in(genome.path, wanted), wanted
        assert truth.header_of(part) == truth.header_of(genome.path)
        smallest = min(smallest, part.stat().st_size)
    assert smallest < genome.sample.body_size / 4


def test_part_is_whole_for_samtools(genome: Genome, tmp_path: Path) -> None:
    part = genome.part(tmp_path, referenceName="chr2", start=1000, end=90_000)
    if not truth.is_variants(part):
        pysam.quickcheck(str(part))
    assert part.read_bytes()[-28:] == genome.path.read_bytes()[-28:]


@pytest.mark.parametrize("near", [0, extract.NEAR])
def test_regions_of_a_post_come_in_one_part(
    genome: Genome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, near: int
) -> None:
    monkeypatch.setattr(extract, "NEAR", near)
    every = list(regions(16))[4:]
    for wanted in (every[at : at + 4] for at in range(0, len(every), 4)):
        asked = [{"referenceName": name, "start": start, "end": end} for name, start, end in wanted]
        part = genome.part(tmp_path, post={"regions": asked})
        records = [text for text, _ in truth.all_records(part)]
        assert len(records) == len(set(records))
        for region in wanted:
            assert truth.overlapping(part, region) == truth.records_in(genome.path, region)


def test_more_regions_than_parts_join_the_nearest(
    genome: Genome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extract, "NEAR", 0)
    monkeypatch.setattr(extract, "MOST_INTERVALS", 3)
    wanted = [("chr1", 1000, 1100), ("chr1", 2000, 2100), ("chr1", 200_000, 200_100), ("chr2", 270_000, 270_100)]
    asked = [{"referenceName": name, "start": start, "end": end} for name, start, end in wanted]
    part = genome.part(tmp_path, post={"regions": asked})
    for region in wanted:
        assert truth.overlapping(part, region) == truth.records_in(genome.path, region)


def test_reads_without_a_place_are_those_of_the_star(genome: Genome, tmp_path: Path) -> None:
    if truth.is_variants(genome.path):
        assert genome.ticket(referenceName="*").status_code == 404
        return
    part = genome.part(tmp_path, referenceName="*")
    found = truth.overlapping(part, ("*", 0, 0))
    assert found == truth.records_in(genome.path, ("*", 0, 0))
    assert len(found) == 500
    assert part.stat().st_size < genome.path.stat().st_size / 4


def test_header_comes_alone(genome: Genome, tmp_path: Path) -> None:
    part = genome.part(tmp_path, **{"class": "header"})
    assert truth.header_of(part) == truth.header_of(genome.path)
    assert truth.all_records(part) == []
    assert part.stat().st_size < 3000


def test_ticket_asks_for_few_segments(genome: Genome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "NEAR", 0)
    ticket = genome.ticket(referenceName="chr1", start=100_000, end=101_000).json()["htsget"]
    assert body_bytes(ticket) < genome.sample.body_size / 3
    assert body_bytes(genome.ticket().json()["htsget"]) == genome.sample.body_size


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        ({"referenceName": "chr3"}, 404, "NotFound"),
        ({"referenceName": "chr1", "start": 5, "end": 5}, 400, "InvalidRange"),
        ({"referenceName": "*", "start": 5}, 400, "InvalidInput"),
        ({"referenceName": "chr1", "start": "9" * 30}, 400, "InvalidInput"),
        ({"start": 5, "end": 9}, 400, "InvalidInput"),
        ({"class": "body"}, 400, "InvalidInput"),
        ({"class": "header", "referenceName": "chr1"}, 400, "InvalidInput"),
        ({"post": {"regions": "chr1"}}, 400, "InvalidInput"),
        ({"post": {"regions": [{"start": 1}]}}, 400, "InvalidInput"),
        ({"post": {"regions": [{"referenceName": "chr1", "start": True}]}}, 400, "InvalidInput"),
        ({"post": {"regions": [{"referenceName": 5}]}}, 400, "InvalidInput"),
        ({"post": {"regions": ["chr1"] * 5001}}, 400, "InvalidInput"),
        ({"post": {"format": 5}}, 400, "InvalidInput"),
    ],
)
def test_region_that_cannot_be_given_says_why(genome: Genome, query: dict[str, Any], status: int, error: str) -> None:
    answer = genome.ticket(**query)
    assert (answer.status_code, answer.json()["htsget"]["error"]) == (status, error)


def test_regions_from_a_file_with_an_edit_list_of_its_own(embedded: OutboxHost, tmp_path: Path) -> None:
    path = making.write_reads(tmp_path / "reads.bam")
    plain = path.read_bytes()
    genome = offer(embedded, path, stored=b"x" * 70_000 + plain[:100_000] + b"y" * 5000 + plain[100_000:] + b"z" * 90)
    embedded.edit(genome.sample, [70_000, 100_000, 5000, len(plain) - 100_000])
    for wanted in regions(8):
        name, start, end = wanted
        part = genome.part(tmp_path, referenceName=name, start=start, end=end)
        assert truth.overlapping(part, wanted) == truth.records_in(path, wanted)


def test_htsget_client_fetches_a_region(embedded: OutboxHost, tmp_path: Path) -> None:
    genome = offer(embedded, making.write_reads(tmp_path / "reads.bam"))
    with (tmp_path / "part.c4gh").open("wb") as output:
        htsget.get(
            embedded.url + genome.route,
            output,
            reference_name="chr1",
            start=5000,
            end=6000,
            bearer_token=embedded.token(),
            headers={"Htsget-Context-Public-Key": KEY},
        )
    part = tmp_path / "part.bam"
    part.write_bytes(decrypted((tmp_path / "part.c4gh").read_bytes()))
    wanted = ("chr1", 5000, 6000)
    assert truth.overlapping(part, wanted) == truth.records_in(genome.path, wanted)
    assert part.stat().st_size < genome.path.stat().st_size / 2


@pytest.mark.parametrize("content", ["stream", "redirect"])
def test_regions_come_from_every_store(outbox: OutboxHost, tmp_path: Path, content: str) -> None:
    genome = offer(outbox, making.write_reads(tmp_path / "reads.bam"), index_name="reads.bai")
    wanted = ("chr2", 100_000, 120_000)
    with outbox.up(outbox_content=content):
        part = genome.part(tmp_path, referenceName="chr2", start=100_000, end=120_000)
    assert truth.overlapping(part, wanted) == truth.records_in(genome.path, wanted)
    assert part.stat().st_size < genome.path.stat().st_size / 2


REAL = Path(__file__).parents[4] / "shared" / "data" / "htsnexus_test_NA12878.bam"


@pytest.mark.skipif(not REAL.exists(), reason="real reads are not kept with the code")
def test_regions_of_real_reads(embedded: OutboxHost, tmp_path: Path) -> None:
    genome = offer(embedded, REAL)
    chance = random.Random(4)
    everywhere = [("11", 0, 1 << 29), ("20", 0, 1 << 29), ("5", 0, 1 << 29), ("*", 0, 0)]
    somewhere = [(name, start, start + 2000) for name, start in chance.sample(truth.places(REAL), 12)]
    for wanted in [*everywhere, *somewhere]:
        name, start, end = wanted
        query = {"referenceName": name} if end in {0, 1 << 29} else {"referenceName": name, "start": start, "end": end}
        part = genome.part(tmp_path, **query)
        assert truth.overlapping(part, wanted) == truth.records_in(REAL, wanted)
