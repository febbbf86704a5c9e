"""CRAM: containers, the header in the first of them, and the index of slices (CRAMv3, sections 6 to 8 and 11)."""

import struct
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from shared.genomics.bgzf import gunzip
from shared.genomics.errors import BadFormat, reading
from shared.genomics.headers import MOST_REFERENCES
from shared.genomics.intervals import Interval, merged

FIRST_CONTAINER = 26
"""Bytes of the file definition before the first container."""
LARGEST_CONTAINER_HEAD = 4096
"""Bytes of the head of a container that are looked at; it has some tens, and five for each slice."""
LARGEST_INDEX = 16 * 1024 * 1024
"""Bytes of an index, unpacked. That of a human genome at 30x has 5 MB."""
UNPLACED = -1
"""The number of the reference of records that have none."""

# section 9: the containers that end a file
_ENDS = {
    2: bytes.fromhex("0b000000ffffffff0fe0454f460000000001000001000606010001000100"),
    3: bytes.fromhex("0f000000ffffffff0fe0454f4600000000010005bdd94f0001000606010001000100ee63014b"),
}
_RAW, _GZIP = 0, 1
_FILE_HEADER = 0


class Container(NamedTuple):
    """Where the blocks of a container begin, and where it ends."""

    blocks: int
    end: int


class CramHeader(NamedTuple):
    """Bytes up to the first container with records, the number of each reference, version, and how a file ends."""

    size: int
    references: Mapping[str, int]
    major: int
    eof: bytes


def cram_header(data: bytes) -> CramHeader | None:
    """Read the header at the start of a CRAM file; None: it goes on behind `data`. Raises BadFormat."""
    if not data.startswith(b"CRAM") or len(data) < FIRST_CONTAINER:
        raise BadFormat("the file does not begin as its name promises")
    major, minor = data[4], data[5]
    if major not in _ENDS or (major, minor) == (2, 0):
        raise BadFormat(f"CRAM {major}.{minor} is not known here")
    with reading("CRAM header"):
        container = container_at(data, FIRST_CONTAINER, major=major)
        if container.end > len(data):
            return None
        references = _references(_header_text(data[container.blocks : container.end]))
    return CramHeader(container.end, references, major, _ENDS[major])


def container_at(data: bytes, at: int, *, major: int) -> Container:
    """Read the head of a container, and compare its checksum where there is one (section 7). Raises BadFormat."""
    with reading("CRAM container"):
        (length,) = struct.unpack_from("<i", data, at)
        cursor = _Cursor(data, at + 4)
        for _ in range(4):
            cursor.number()  # reference, start, span, records
        cursor.skip_long() if major > 2 else cursor.number()  # counter of records
        cursor.skip_long()  # bases
        cursor.number()  # blocks
        for _ in range(min(cursor.number(), LARGEST_CONTAINER_HEAD)):
            cursor.number()  # landmarks
        behind = cursor.at
        if major > 2:
            behind += 4
            if struct.unpack_from("<I", data, cursor.at) != (zlib.crc32(data[at : cursor.at]),):
                raise BadFormat("there is no CRAM container")
    if length < 0:
        raise BadFormat("there is no CRAM container")
    return Container(behind, behind + length)


@dataclass(frozen=True, kw_only=True)
class CramIndex:
    """An index: for each slice its reference, first position (from 1), span, and the place of its container."""

    references: "array[int]"
    starts: "array[int]"
    spans: "array[int]"
    places: "array[int]"

    @property
    def size(self) -> int:
        """Bytes of memory, about."""
        return 32 * len(self.places)

    def containers(self, reference: int, regions: Iterable[Interval], end: int) -> list[Interval]:
        """Return the intervals of the file whose containers may hold records of these regions.

        end: of the last container with records.
        """
        found = set(self._slices(reference, merged(regions)))
        places = sorted({*self.places, end})
        return merged(pair for pair in pairwise(places) if pair[0] in found)

    def _slices(self, reference: int, wanted: list[Interval]) -> Iterator[int]:
        lows, highs = [low for low, _ in wanted], [high for _, high in wanted]
        for number, start, span, place in zip(self.references, self.starts, self.spans, self.places, strict=True):
            if number != reference:
                continue
            after = bisect_right(highs, start - 1)
            if reference == UNPLACED or (after < len(lows) and lows[after] < start - 1 + span):
                yield place


def read_cram_index(data: bytes) -> CramIndex:
    """Read a CRAI: lines of six numbers (section 11). Raises BadFormat."""
    columns = [array("q") for _ in range(4)]
    with reading("CRAM index"):
        for line in gunzip(data, most=LARGEST_INDEX).splitlines():
            for column, text in zip(columns, line.split(b"\t")[:4], strict=True):
                column.append(int(text))
    references, starts, spans, places = columns
    if places and min(places) < FIRST_CONTAINER:
        raise BadFormat("a CRAM index names an impossible place")
    return CramIndex(references=references, starts=starts, spans=spans, places=places)


class _Cursor:
    """Reads numbers of one to nine bytes (section 2.3)."""

    def __init__(self, data: bytes, at: int) -> None:
        self.at = at
        self._data = data

    def number(self) -> int:
        """Read an ITF-8 number."""
        first = self._data[self.at]
        more = min(_leading_ones(first), 4)
        rest = self._data[self.at + 1 : self.at + 1 + more]
        self.at += 1 + more
        if more == 4:
            return (first & 0x0F) << 28 | int.from_bytes(rest, "big") >> 4 & ~0x0F | rest[3] & 0x0F
        return (first & 0xFF >> more + 1) << 8 * more | int.from_bytes(rest, "big")

    def skip_long(self) -> None:
        """Go behind an LTF-8 number."""
        self.at += 1 + _leading_ones(self._data[self.at])


def _leading_ones(byte: int) -> int:
    return 8 - (byte ^ 0xFF).bit_length()


def _header_text(blocks: bytes) -> bytes:
    """Return the SAM header in the first block of the first container (sections 8.1 and 8.3)."""
    method, kind = blocks[0], blocks[1]
    cursor = _Cursor(blocks, 2)
    cursor.number()
    size, raw_size = cursor.number(), cursor.number()
    content = blocks[cursor.at : cursor.at + size]
    if kind != _FILE_HEADER or method not in {_RAW, _GZIP}:
        raise BadFormat("the header of a CRAM file is not where it should be")
    if method == _GZIP:
        content = gunzip(content, most=raw_size)
    (length,) = struct.unpack_from("<i", content)
    return content[4 : 4 + length]


def _references(text: bytes) -> Mapping[str, int]:
    """Number the lines `@SQ` by their names."""
    lines = [line.split(b"\t") for line in text.splitlines() if line.startswith(b"@SQ\t")]
    if len(lines) > MOST_REFERENCES:
        raise BadFormat("a CRAM header names too many references")
    names = [next(field[3:] for field in line if field.startswith(b"SN:")) for line in lines]
    return {name.decode("utf-8", "replace"): number for number, name in enumerate(names)}
