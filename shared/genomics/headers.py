"""Headers of BAM, VCF and BCF: how long they are, and which references they name.

BAM: SAM specification (SAMv1), section 4.2. VCF and BCF: VCFv4.3, sections 1.4 and 6. All positions are those of the
uncompressed file.
"""

import re
import struct
from collections.abc import Mapping
from itertools import count
from typing import NamedTuple

from shared.genomics.errors import BadFormat

MOST_REFERENCES = 100_000
"""References in a header. Human ones name some thousands."""

_RECORD = re.compile(rb"\n(?=[^#])")
_CONTIG = re.compile(r"##contig=<(.*)>")
_ID = re.compile(r"(?:^|,)ID=([^,]+)")
_IDX = re.compile(r"(?:^|,)IDX=([0-9]{1,9})(?:,|$)")


class FileHeader(NamedTuple):
    """Length in bytes, and the number of each reference that the header names."""

    size: int
    references: Mapping[str, int]


def bam_header(data: bytes, *, whole: bool) -> FileHeader | None:
    """Read the header at the start of a BAM file; None: it goes on behind `data`. Raises BadFormat."""
    _expect(b"BAM\1", data)
    try:
        (length,) = struct.unpack_from("<I", data, 4)
        (references,) = struct.unpack_from("<I", data, 8 + length)
        if references > MOST_REFERENCES:
            raise BadFormat("a BAM header names too many references")
        names, at = [], 12 + length
        for _ in range(references):
            (length,) = struct.unpack_from("<I", data, at)
            names.append(data[at + 4 : at + 3 + length])
            at += 8 + length
    except struct.error:
        at = len(data) + 1
    if not _is_whole(data, at, whole=whole):
        return None
    return FileHeader(at, {name.decode("utf-8", "replace"): number for number, name in enumerate(names)})


def vcf_header(data: bytes, *, whole: bool) -> FileHeader | None:
    """Read the header at the start of a VCF file; None: it goes on behind `data`. Raises BadFormat."""
    _expect(b"##fileformat=VCF", data)
    found = _RECORD.search(data)
    if found is None and not whole:
        return None
    size = len(data) if found is None else found.end()
    return FileHeader(size, _contigs(data[:size]))


def bcf_header(data: bytes, *, whole: bool) -> FileHeader | None:
    """Read the header at the start of a BCF file; None: it goes on behind `data`. Raises BadFormat."""
    _expect(b"BCF\2", data)
    size = 9 + int.from_bytes(data[5:9], "little")
    if not _is_whole(data, size, whole=whole):
        return None
    return FileHeader(size, _contigs(data[9:size]))


def _contigs(text: bytes) -> Mapping[str, int]:
    """Number the contigs of a header: in the order of their lines, or as a line says (section 6.2.1)."""
    numbers, references = count(), dict[str, int]()
    for line in _CONTIG.findall(text.decode("utf-8", "replace")):
        name, number, implied = _ID.search(line), _IDX.search(line), next(numbers)
        if name is not None:
            references[name[1]] = int(number[1]) if number else implied
    if len(references) > MOST_REFERENCES:
        raise BadFormat("a header names too many contigs")
    return references


def _expect(magic: bytes, data: bytes) -> None:
    if not data.startswith(magic):
        raise BadFormat("the file does not begin as its name promises")


def _is_whole(data: bytes, size: int, *, whole: bool) -> bool:
    if size > len(data) and whole:
        raise BadFormat("the file ends within its header")
    return size <= len(data)
