"""Indexes: every record is found by them, hostile ones are refused, and none costs much."""

import gzip
import time

import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import FileRefused
from shared.genomics.binning import BinningIndex, read_index
from shared.genomics.cram import read_cram_index
from tests.genomes import making


@pytest.fixture(scope="module")
def indexes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One of each format, as htslib writes them."""
    folder = tmp_path_factory.mktemp("indexes")
    reads = making.write_reads(folder / "reads.bam", count=2000)
    pysam.index("-c", str(reads))
    calls = making.write_variants(folder / "calls.vcf.gz", count=500)
    pysam.tabix_index(str(calls), preset="vcf")
    crai = making.write_reads(folder / "reads.cram", "cram", count=2000).with_name("reads.cram.crai")
    names = {"bai": "reads.bam.bai", "csi": "reads.bam.csi", "tbi": "calls.vcf.gz.tbi", "crai": crai.name}
    return {kind: (folder / name).read_bytes() for kind, name in names.items()}


def parsed(kind: str, data: bytes) -> None:
    """Read an index, and ask it something."""
    if kind == "crai":
        read_cram_index(data).containers(0, [(5, 500), (100_000, 1 << 62)], 1 << 40)
        return
    index = read_index(data)
    for reference in (0, 1, 2, 99):
        index.chunks(reference, [(5, 500), (100_000, 1 << 62)])


@pytest.mark.parametrize("kind", ["bai", "csi", "tbi", "crai"])
@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_harmed_index_is_refused_or_read(indexes: dict[str, bytes], kind: str, data: st.DataObject) -> None:
    index = bytearray(indexes[kind] if kind == "bai" else _unpacked(indexes[kind]))
    for at in data.draw(st.lists(st.integers(0, len(index) - 1), max_size=5)):
        index[at] = data.draw(st.integers(0, 255))
    del index[data.draw(st.integers(0, len(index))) or len(index) :]
    try:
        parsed(kind, bytes(index))
    except FileRefused:
        return


@pytest.mark.parametrize("kind", ["bai", "csi", "tbi"])
def test_whole_references_are_what_the_index_covers(indexes: dict[str, bytes], kind: str) -> None:
    index = read_index(indexes[kind])
    whole = [index.chunks(reference, [(0, 1 << 62)]) for reference in (0, 1)]
    assert len(whole[0]) == len(whole[1]) == 1
    assert whole[0][0][1] <= whole[1][0][0]
    assert whole[1][0][1] == index.placed_end
    assert index.chunks(2, [(0, 1 << 62)]) == []


def test_many_regions_cost_little_more_than_one(indexes: dict[str, bytes]) -> None:
    index = _large()
    seconds = {}
    for count in (1, 5000):
        began = time.process_time()
        index.chunks(0, [(at * 50_000, at * 50_000 + 10_000) for at in range(count)])
        seconds[count] = time.process_time() - began
    assert seconds[5000] < 30 * seconds[1]


def _large() -> BinningIndex:
    """Return an index of one reference with all the bins that there can be."""
    bins = b"".join(
        number.to_bytes(4, "little")
        + b"\1\0\0\0"
        + (number << 20).to_bytes(8, "little")
        + ((number << 20) + 99).to_bytes(8, "little")
        for number in range(37_449)
    )
    linear = (32_768).to_bytes(4, "little") + bytes(8 * 32_768)
    return read_index(b"BAI\1\1\0\0\0" + (37_449).to_bytes(4, "little") + bins + linear)


def _unpacked(data: bytes) -> bytes:
    return gzip.decompress(data)
