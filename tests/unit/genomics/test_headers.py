"""Headers are measured to the byte, wherever a read of the file has ended."""

from collections.abc import Callable
from pathlib import Path

import pytest

from shared.genomics import bgzf
from shared.genomics.cram import cram_header
from shared.genomics.errors import BadFormat
from shared.genomics.headers import FileHeader, bam_header, bcf_header, vcf_header
from tests.genomes import making

NUMBERS = {name: number for number, name in enumerate(making.REFERENCES)}
Parse = Callable[..., FileHeader | None]


@pytest.fixture(params=["reads.bam", "calls.vcf.gz", "calls.bcf"])
def content(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Parse, bytes]:
    """A file, uncompressed, and what reads its header."""
    path = tmp_path / request.param
    if path.suffix == ".bam":
        making.write_reads(path, count=50)
    else:
        making.write_variants(path, count=50)
    parse = {".bam": bam_header, ".gz": vcf_header, ".bcf": bcf_header}[path.suffix]
    return parse, bgzf.gunzip(path.read_bytes(), most=1 << 20)


def test_header_is_read_once_it_is_there(content: tuple[Parse, bytes]) -> None:
    parse, data = content
    header = parse(data, whole=True)
    assert header is not None
    assert header.references == NUMBERS
    assert parse(data[: header.size + 1], whole=False) == header
    for size in range(20, header.size, 7):
        assert parse(data[:size], whole=False) is None


def test_file_that_ends_in_its_header_is_refused(content: tuple[Parse, bytes]) -> None:
    parse, data = content
    header = parse(data, whole=True)
    assert header is not None
    if parse is vcf_header:
        assert parse(data[: header.size], whole=True) == header
        return
    with pytest.raises(BadFormat):
        parse(data[: header.size - 1], whole=True)


def test_other_files_are_refused(content: tuple[Parse, bytes]) -> None:
    parse, data = content
    for other in (b"", data[1:], b"CRAM", bytes(100)):
        with pytest.raises(BadFormat):
            parse(other, whole=False)


def test_contigs_of_a_bcf_have_the_numbers_that_it_gives_them() -> None:
    text = b"##fileformat=VCFv4.2\n##contig=<ID=b,IDX=7>\n##contig=<ID=a,length=5>\n#CHROM\n\0"
    header = bcf_header(b"BCF\2\2" + len(text).to_bytes(4, "little") + text, whole=True)
    assert header is not None
    assert header.references == {"b": 7, "a": 1}


def test_bam_header_that_promises_a_flood_of_references_is_refused() -> None:
    with pytest.raises(BadFormat):
        bam_header(b"BAM\1" + bytes(4) + (2**31 - 1).to_bytes(4, "little"), whole=False)


@pytest.mark.parametrize("version", ["2.1", "3.0", "3.1"])
def test_cram_header_is_read_once_it_is_there(tmp_path: Path, version: str) -> None:
    data = making.write_reads(tmp_path / "reads.cram", "cram", count=50, version=version).read_bytes()
    header = cram_header(data)
    assert header is not None
    assert header.references == NUMBERS
    assert data.endswith(header.eof)
    assert cram_header(data[: header.size]) == header
    assert cram_header(data[: header.size - 1]) is None


@pytest.mark.parametrize("harm", [(0, 1), (4, 9), (28, 1), (40, 1)])
def test_cram_header_that_is_damaged_is_refused(tmp_path: Path, harm: tuple[int, int]) -> None:
    data = bytearray(making.write_reads(tmp_path / "reads.cram", "cram", count=50).read_bytes())
    data[harm[0]] ^= harm[1]
    with pytest.raises(BadFormat):
        cram_header(bytes(data))
