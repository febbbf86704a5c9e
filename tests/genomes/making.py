"""Small genome files, written and indexed by htslib (pysam)."""

import random
from pathlib import Path

import pysam

from shared.genomics import bgzf

REFERENCES = {"chr1": 600_000, "chr2": 300_000, "chrEmpty": 50_000}
READ = 100


def header() -> pysam.AlignmentHeader:
    """Return a header with three references, to the last of which nothing is mapped."""
    lines = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": n, "LN": size} for n, size in REFERENCES.items()]}
    return pysam.AlignmentHeader.from_dict(lines)


def reads(count: int, unplaced: int, *, seed: int = 1) -> list[pysam.AlignedSegment]:
    """Return reads in their order: mapped ones, some of them spliced over a long gap, and then unplaced ones."""
    chance, head = random.Random(seed), header()
    places = sorted((chance.randrange(2), chance.randrange(280_000)) for _ in range(count))
    places += [(-1, -1)] * unplaced
    return [_read(head, chance, number, place) for number, place in enumerate(places)]


def _read(
    head: pysam.AlignmentHeader, chance: random.Random, number: int, place: tuple[int, int]
) -> pysam.AlignedSegment:
    read = pysam.AlignedSegment(head)
    read.query_name = f"read{number}:{chance.getrandbits(64):x}"
    read.query_sequence = "".join(chance.choices("ACGT", k=READ))
    read.query_qualities = pysam.qualitystring_to_array("".join(chance.choices("#5?DI", k=READ)))
    read.reference_id, read.reference_start = place
    if place[0] < 0:
        read.flag = 4
    else:
        read.mapping_quality = 60
        read.cigarstring = f"50M{chance.randrange(15_000)}N50M" if chance.random() < 0.02 else f"{READ}M"
    return read


def write_reads(
    path: Path, kind: str = "bam", *, count: int = 12_000, unplaced: int = 500, version: str = "3.0"
) -> Path:
    """Write a BAM or CRAM file with its index beside it."""
    options: list[str] = {"bam": [], "cram": ["no_ref=1", "seqs_per_slice=500", f"version={version}"]}[kind]
    with pysam.AlignmentFile(
        str(path), {"bam": "wb", "cram": "wc"}[kind], header=header(), format_options=options
    ) as out:
        for read in reads(count, unplaced):
            out.write(read)
    pysam.index(str(path))
    return path


def write_variants(path: Path, *, count: int = 8000) -> Path:
    """Write a compressed VCF or a BCF file; the caller has it indexed."""
    head = pysam.VariantHeader()
    for name, size in REFERENCES.items():
        head.contigs.add(name, length=size)
    head.add_line('##INFO=<ID=NOTE,Number=1,Type=String,Description="a note">')
    chance = random.Random(2)
    places = sorted((chance.randrange(2), chance.randrange(280_000)) for _ in range(count))
    with pysam.VariantFile(str(path), "wb" if path.suffix == ".bcf" else "wz", header=head) as out:
        for contig, place in places:
            note = "".join(chance.choices("ACGT", k=60))
            record = out.new_record(
                contig=list(REFERENCES)[contig], start=place, alleles=("A", "T"), info={"NOTE": note}
            )
            out.write(record)
    return path


def with_blocks_of_fixed_size(path: Path, target: Path) -> Path:
    """Pack a BGZF file anew as htsjdk does: blocks end wherever they are full, in the middle of records."""
    content = bgzf.gunzip(path.read_bytes(), most=1 << 30)
    target.write_bytes(bgzf.deflate(content) + bgzf.EOF)
    return target
