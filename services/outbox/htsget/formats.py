"""How the formats are cut: where the header ends, where the records of a region are, and at which bytes to cut.

Positions that a format counts in are virtual offsets for those in BGZF, and bytes for CRAM.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol, TypeAlias

from services.outbox.htsget.errors import NotFound
from services.outbox.htsget.plain import PlainText
from services.outbox.htsget.regions import ANYWHERE, Region
from shared.crypto.splice import Piece
from shared.genomics import bgzf
from shared.genomics.binning import BinningIndex, read_index
from shared.genomics.cram import (
    FIRST_CONTAINER,
    LARGEST_CONTAINER_HEAD,
    UNPLACED,
    CramIndex,
    container_at,
    cram_header,
    read_cram_index,
)
from shared.genomics.errors import BadFormat
from shared.genomics.headers import FileHeader, bam_header, bcf_header, vcf_header
from shared.genomics.intervals import Interval

MOST_HEADER = 16 * 1024 * 1024
"""Bytes of a header, uncompressed."""

_FIRST_READ = 65_536

Index: TypeAlias = BinningIndex | CramIndex
Regions: TypeAlias = Mapping[str, Sequence[Interval]]


class Outline(NamedTuple):
    """Where header and records of a file end, the numbers of its references, and the bytes that end every file.

    major: the version of a CRAM file.
    """

    header_end: int
    records_end: int
    references: Mapping[str, int]
    eof: bytes
    major: int = 0


class Format(Protocol):
    """One format, and its indexes, which are called as the file is, with one of `endings` more or instead."""

    @property
    def endings(self) -> Sequence[str]: ...

    def read_index(self, data: bytes) -> Index:
        """Read an index. Raises BadFormat."""
        ...

    async def outline(self, plain: PlainText) -> Outline:
        """Read the header. Raises BadFormat, also for a file that does not end as it should."""
        ...

    def intervals(self, outline: Outline, index: Index, regions: Regions) -> list[Interval]:
        """Return intervals that hold all records of the regions. Raises NotFound, BadFormat."""
        ...

    async def cut(self, plain: PlainText, outline: Outline, interval: Interval) -> list[Piece]:
        """Return the bytes of an interval. Raises BadFormat where it does not begin and end as it should."""
        ...

    def distance(self, end: int, start: int) -> int:
        """Return about how many bytes of the file lie between two positions."""
        ...


@dataclass(frozen=True)
class BlockFormat:
    """A format in BGZF."""

    endings: Sequence[str]
    header: Callable[..., FileHeader | None]
    has_unplaced: bool = False

    def read_index(self, data: bytes) -> Index:
        return read_index(data)

    async def outline(self, plain: PlainText) -> Outline:
        records_end = await _end(plain, bgzf.EOF)
        unpacked, at, header = bgzf.Unpacked(most=MOST_HEADER), 0, None
        while header is None:
            piece = await plain.read(at, at + max(at, _FIRST_READ))
            at += len(piece)
            header = await plain.on_thread(partial(self._header, unpacked, piece, whole=at == plain.size))
        return Outline(unpacked.virtual_offset(header.size), records_end << 16, header.references, bgzf.EOF)

    def _header(self, unpacked: bgzf.Unpacked, piece: bytes, *, whole: bool) -> FileHeader | None:
        unpacked.feed(piece)
        return self.header(bytes(unpacked.content), whole=whole)

    def intervals(self, outline: Outline, index: Index, regions: Regions) -> list[Interval]:
        assert isinstance(index, BinningIndex)
        numbers = {name: number for number, name in enumerate(index.names)} or outline.references
        found: list[Interval] = []
        for name, wanted in regions.items():
            if name == ANYWHERE and self.has_unplaced:
                found.append((max(index.placed_end, outline.header_end), outline.records_end))
            elif name in numbers:
                found += index.chunks(numbers[name], wanted)
            elif name not in outline.references:
                raise NotFound
        return found

    async def cut(self, plain: PlainText, outline: Outline, interval: Interval) -> list[Piece]:
        """Cut blocks in two where records begin and end within them: they may go on in the next block."""
        start, end = interval
        if not start < end <= outline.records_end:
            raise BadFormat("an index points behind the end")
        (first, within), (last, until) = divmod(start, bgzf.LARGEST_BLOCK), divmod(end, bgzf.LARGEST_BLOCK)
        block = await plain.read(first, first + bgzf.LARGEST_BLOCK)
        if first == last:
            return [_part(block, within, until)]
        final = await plain.read(last, last + bgzf.LARGEST_BLOCK)
        behind = first + bgzf.block_size(block)
        if behind > last:
            raise BadFormat("an index points into a block")
        head: Piece = _part(block, within, None) if within else (first, behind)
        return [head, (behind, last), _part(final, 0, until)]

    def distance(self, end: int, start: int) -> int:
        return (start >> 16) - (end >> 16)


class CramFormat:
    """CRAM, which is cut between containers."""

    endings = (".crai",)

    def read_index(self, data: bytes) -> Index:
        return read_cram_index(data)

    async def outline(self, plain: PlainText) -> Outline:
        data, header = b"", None
        while header is None:
            piece = await plain.read(len(data), len(data) + max(len(data), _FIRST_READ))
            data += piece
            header = await plain.on_thread(partial(cram_header, data))
            if header is None and (not piece or len(data) > MOST_HEADER):
                raise BadFormat("the header of a CRAM file does not end")
        records_end = await _end(plain, header.eof)
        return Outline(header.size, records_end, header.references, header.eof, header.major)

    def intervals(self, outline: Outline, index: Index, regions: Regions) -> list[Interval]:
        assert isinstance(index, CramIndex)
        found: list[Interval] = []
        for name, wanted in regions.items():
            number = UNPLACED if name == ANYWHERE else outline.references.get(name)
            if number is None:
                raise NotFound
            found += index.containers(number, wanted, outline.records_end)
        return found

    async def cut(self, plain: PlainText, outline: Outline, interval: Interval) -> list[Piece]:
        start, end = interval
        if end > outline.records_end:
            raise BadFormat("an index points behind the end")
        for place in (place for place in interval if place >= FIRST_CONTAINER):
            head = await plain.read(place, place + LARGEST_CONTAINER_HEAD)
            container_at(head, 0, major=outline.major)
        return [(start, end)]

    def distance(self, end: int, start: int) -> int:
        return start - end


FORMATS: Mapping[str, Format] = {
    "BAM": BlockFormat((".bai", ".csi"), bam_header, has_unplaced=True),
    "CRAM": CramFormat(),
    "VCF": BlockFormat((".tbi", ".csi"), vcf_header),
    "BCF": BlockFormat((".csi",), bcf_header),
}


def by_reference(regions: Sequence[Region]) -> Regions:
    """Return the regions of each reference."""
    found: dict[str, list[Interval]] = {}
    for region in regions:
        found.setdefault(region.name, []).append((region.start, region.end))
    return found


async def _end(plain: PlainText, eof: bytes) -> int:
    """Return where the records end. Raises BadFormat for a file that is not whole."""
    end = max(plain.size - len(eof), 0)
    if await plain.read(end, plain.size) != eof:
        raise BadFormat("the file does not end as a whole one does")
    return end


def _part(block: bytes, start: int, stop: int | None) -> bytes:
    """Return blocks that hold a part of what the block at the start of `block` holds."""
    content = bgzf.inflate(block)
    if max(start, stop or 0) > len(content):
        raise BadFormat("an index points behind the end of a block")
    return bgzf.deflate(content[start:stop])
