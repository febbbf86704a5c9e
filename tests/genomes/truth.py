"""What htslib reads in a region of a file, and of what was cut out of it."""

from pathlib import Path
from typing import Any

import pysam

Wanted = tuple[str, int, int]
"""Reference, start, end: half-open; the reference may be `*`."""


def records_in(path: Path, wanted: Wanted) -> list[str]:
    """Return the records of a file that overlap a region, by its index."""
    name, start, end = wanted
    if is_variants(path):
        with pysam.VariantFile(str(path)) as variants:
            return [str(record) for record in variants.fetch(name, start, end)]
    with pysam.AlignmentFile(str(path)) as file:
        found = file.fetch("*") if name == "*" else file.fetch(name, start, end)
        return [read.to_string() for read in found]


def places(path: Path) -> list[tuple[str, int]]:
    """Return where the mapped reads of a file begin."""
    return [(read.reference_name, read.reference_start) for _, read in all_records(path) if read.reference_id >= 0]


def all_records(path: Path) -> list[tuple[str, Any]]:
    """Return all records of a file from its start to its end, without an index."""
    if is_variants(path):
        with pysam.VariantFile(str(path)) as variants:
            return [(str(record), record) for record in variants]
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        return [(read.to_string(), read) for read in file.fetch(until_eof=True)]


def overlapping(path: Path, wanted: Wanted) -> list[str]:
    """Return those of all records of a file that overlap a region."""
    return [text for text, record in all_records(path) if _overlaps(record, wanted)]


def header_of(path: Path) -> str:
    """Return the header of a file."""
    if is_variants(path):
        with pysam.VariantFile(str(path)) as variants:
            return str(variants.header)
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        return str(file.header)


def is_variants(path: Path) -> bool:
    """Whether it is a file of variants."""
    return ".bam" not in path.name and ".cram" not in path.name


def _overlaps(record: Any, wanted: Wanted) -> bool:
    name, start, end = wanted
    if isinstance(record, pysam.VariantRecord):
        return record.contig == name and record.start < end and record.stop > start
    if name == "*":
        return bool(record.reference_id < 0)
    return record.reference_name == name and _spans(record, start, end)


def _spans(record: pysam.AlignedSegment, start: int, end: int) -> bool:
    """Whether it begins before the end and ends behind the start, gaps or not; what is not mapped has one position."""
    behind = record.reference_start + 1 if record.is_unmapped else record.reference_end or 0
    return record.reference_start < end and behind > start
