"""Indexes by bins: which parts of a BGZF file may hold the records of a region.

BAI: SAM specification (SAMv1), section 5.2; CSI: CSIv1; TBI: tabix. All have the same tree of bins (SAMv1, section
5.1.1): each has eight children, and the smallest ones cover 2^min_shift bases. An index is kept as its bytes: a
reference of a human genome has tens of thousands of bins, of which a question needs a few.
"""

import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from shared.genomics.bgzf import gunzip
from shared.genomics.errors import BadFormat, reading
from shared.genomics.headers import MOST_REFERENCES
from shared.genomics.intervals import Interval, merged

LARGEST = 32 * 1024 * 1024
"""Bytes of an index, unpacked. That of a human genome at 30x has 9 MB."""

_BAI = b"BAI\1"
_CSI = b"CSI\1"
_TBI = b"TBI\1"
_NUMBER = struct.Struct("<i")
_CHUNK = struct.Struct("<QQ")
_BAI_BIN = struct.Struct("<Ii")
_CSI_BIN = struct.Struct("<IQi")
_TABIX = struct.Struct("<7i")
_NEVER = 1 << 64
_MOST_BITS = 62
# of more, nobody's index has the bins; their number bounds the time of a question
_DEEPEST = 7


class Tree(NamedTuple):
    """The shape of a tree of bins, and whether each bin tells where its records begin (CSI) or a list does (BAI)."""

    min_shift: int = 14
    depth: int = 5
    linear: bool = True

    @property
    def span(self) -> int:
        """Positions that it covers."""
        return 1 << (self.min_shift + 3 * self.depth)

    @property
    def bins(self) -> int:
        """Count of bins; the one with this number plus one holds statistics."""
        return ((1 << 3 * (self.depth + 1)) - 1) // 7


class _Bin(NamedTuple):
    offset: int
    chunks: int
    chunk_count: int


@dataclass(frozen=True, kw_only=True)
class BinningIndex:
    """An index; `names` of the references, in their order, where it tells them (tabix)."""

    data: bytes
    tree: Tree
    names: tuple[str, ...]
    references: tuple[int, ...]
    placed_end: int
    """Virtual offset behind the last record that has a position."""

    @property
    def size(self) -> int:
        """Bytes of memory, about."""
        return len(self.data) + 40 * len(self.references)

    def chunks(self, reference: int, regions: Iterable[Interval]) -> list[Interval]:
        """Return intervals of virtual offsets with all records that overlap one of the regions. Raises BadFormat."""
        if reference >= len(self.references):
            return []
        with reading("index"):
            bins = _Bins(self.data, self.references[reference], self.tree)
            return merged(
                chunk
                for start, end in merged(regions)
                if start < self.tree.span
                for chunk in bins.overlapping(start, min(end, self.tree.span))
            )


class _Bins:
    """The bins of one reference."""

    def __init__(self, data: bytes, at: int, tree: Tree) -> None:
        walk = _Walk(data, at, tree)
        self._data = data
        self._tree = tree
        self._bins = {number: found for number, found in walk.bins() if number < tree.bins and found.chunk_count}
        self._linear = walk.linear()
        self._smallest = sorted(number for number in self._bins if number >= self._level(tree.depth)[0])

    def overlapping(self, start: int, end: int) -> Iterator[Interval]:
        """Yield the chunks with records that may overlap a region."""
        first, behind = self._first_offset(start), self._offset_behind(end)
        for numbers in self._numbers(start, end):
            # whichever is less: those that the region overlaps, or those that there are
            for number in numbers if len(numbers) < len(self._bins) else self._bins:
                if number in numbers and number in self._bins:
                    chunks = self._chunks(self._bins[number])
                    yield from (chunk for chunk in chunks if chunk[0] < behind and chunk[1] > first)

    def _numbers(self, start: int, end: int) -> Iterator[range]:
        """Yield the numbers of the bins that overlap a region, level by level (SAMv1, section 5.3)."""
        for level in range(self._tree.depth + 1):
            offset, shift = self._level(level)
            yield range(offset + (start >> shift), offset + (end - 1 >> shift) + 1)

    def _first_offset(self, start: int) -> int:
        """Return a virtual offset before which no record overlaps a region that begins at `start`."""
        if self._tree.linear:
            at, count = self._linear
            place = at + 8 * min(start >> self._tree.min_shift, count - 1)
            return int.from_bytes(self._data[place : place + 8], "little") if count else 0
        for level in range(self._tree.depth, -1, -1):
            offset, shift = self._level(level)
            found = self._bins.get(offset + (start >> shift))
            if found is not None:
                return found.offset
        return 0

    def _offset_behind(self, end: int) -> int:
        """Return a virtual offset behind which all records begin at `end` or later: of the next of the smallest bins.

        What is in one of those begins there, too, and records are in the order of where they begin.
        """
        offset, shift = self._level(self._tree.depth)
        after = bisect_right(self._smallest, offset + (end - 1 >> shift))
        if after == len(self._smallest):
            return _NEVER
        return next(self._chunks(self._bins[self._smallest[after]]))[0]

    def _level(self, level: int) -> tuple[int, int]:
        """Return the number of the first bin of a level, and the bits of positions in one of its bins."""
        return ((1 << 3 * level) - 1) // 7, self._tree.min_shift + 3 * (self._tree.depth - level)

    def _chunks(self, found: _Bin) -> Iterator[Interval]:
        for start, end in _CHUNK.iter_unpack(self._data[found.chunks : found.chunks + found.chunk_count * _CHUNK.size]):
            if start > end:
                raise BadFormat("an index holds a chunk that ends before it begins")
            yield start, end


class _Walk:
    """Goes through the bins of one reference after the other."""

    def __init__(self, data: bytes, at: int, tree: Tree) -> None:
        self.at = at
        self._data = data
        self._tree = tree

    def number(self, most: int) -> int:
        """Read a count, of things that have to fit in."""
        (found,) = _NUMBER.unpack_from(self._data, self.at)
        self.at += _NUMBER.size
        if not 0 <= found <= most:
            raise BadFormat("an index holds an impossible count")
        return int(found)

    def bins(self) -> Iterator[tuple[int, _Bin]]:
        """Yield the bins of the reference at hand."""
        for _ in range(self.number(self._tree.bins + 1)):
            number, offset, count = self._bin()
            found = _Bin(offset, self.at, count)
            self.at += count * _CHUNK.size
            if count < 0 or self.at > len(self._data):
                raise BadFormat("an index ends within a bin")
            yield number, found

    def linear(self) -> Interval:
        """Return place and length of the list of offsets behind the bins, and go behind it."""
        if not self._tree.linear:
            return 0, 0
        count = self.number(len(self._data) // 8)
        at, self.at = self.at, self.at + 8 * count
        if self.at > len(self._data):
            raise BadFormat("an index ends within its list of offsets")
        return at, count

    def _bin(self) -> tuple[int, int, int]:
        if self._tree.linear:
            number, count = _BAI_BIN.unpack_from(self._data, self.at)
            self.at += _BAI_BIN.size
            return number, 0, count
        number, offset, count = _CSI_BIN.unpack_from(self._data, self.at)
        self.at += _CSI_BIN.size
        return number, offset, count


def read_index(data: bytes) -> BinningIndex:
    """Read an index of any of the three formats. Raises BadFormat."""
    with reading("index"):
        data = gunzip(data, most=LARGEST)
        if data.startswith(_BAI):
            return _indexed(data, 4, Tree(), ())
        if data.startswith(_TBI):
            names, at = _tabix_names(data, 8)
            return _indexed(data, 4, Tree(), names, first=at)
        if data.startswith(_CSI):
            return _csi(data)
    raise BadFormat("this is no index")


def _csi(data: bytes) -> BinningIndex:
    min_shift, depth, extra = struct.unpack_from("<3i", data, 4)
    tree = Tree(min_shift, depth, linear=False)
    fits = min_shift > 0 and 0 <= depth <= _DEEPEST and min_shift + 3 * depth <= _MOST_BITS
    if not (fits and 0 <= extra <= len(data)):
        raise BadFormat("an index has an impossible shape")
    names = _tabix_names(data, 16)[0] if extra >= _TABIX.size else ()
    return _indexed(data, 16 + extra, tree, names)


def _tabix_names(data: bytes, at: int) -> tuple[tuple[str, ...], int]:
    *_, length = _TABIX.unpack_from(data, at)
    start = at + _TABIX.size
    if not 0 <= length <= len(data) - start:
        raise BadFormat("an index ends within its names")
    names = data[start : start + length].decode("utf-8").split("\0")[:-1]
    return tuple(names), start + length


def _indexed(data: bytes, at: int, tree: Tree, names: tuple[str, ...], *, first: int | None = None) -> BinningIndex:
    """Note where each reference begins. The count of references is at `at`; they begin behind it, or at `first`."""
    walk = _Walk(data, at, tree)
    references, placed_end = [], 0
    count = walk.number(MOST_REFERENCES)
    walk.at = first or walk.at
    for _ in range(count):
        references.append(walk.at)
        for number, found in walk.bins():
            if found.chunk_count and number < tree.bins:
                # the chunks of a bin are in the order of the file
                (end,) = struct.unpack_from("<Q", data, found.chunks + found.chunk_count * _CHUNK.size - 8)
                placed_end = max(placed_end, end)
        walk.linear()
    return BinningIndex(data=data, tree=tree, names=names, references=tuple(references), placed_end=placed_end)
