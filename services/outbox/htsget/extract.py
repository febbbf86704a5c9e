"""A part of a file for one reader: its header, the records of regions, and the end (ADR 19).

The index beside the file tells where the records are. What lies between the cuts is given out as it is archived; the
few bytes around the cuts, which are made anew, are encrypted with the data key of the file.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import structlog

from services.outbox.headers import ReaderHeaders
from services.outbox.htsget.errors import InvalidInput
from services.outbox.htsget.formats import FORMATS, Format, Outline, by_reference
from services.outbox.htsget.known import Knowledge, Known, Unusable
from services.outbox.htsget.plain import PlainText
from services.outbox.htsget.regions import Selection
from shared.access.grants import Grants, ReadableFile, Reader
from shared.crypto.keys import PublicKey
from shared.crypto.segments import SEGMENT
from shared.crypto.splice import Piece, Run, encrypted, splice
from shared.errors import FileRefused
from shared.genomics.binning import LARGEST
from shared.genomics.errors import BadFormat
from shared.genomics.intervals import Interval, bridged
from shared.storage.streams import StreamingStore

log = structlog.get_logger(__name__)

NEAR = 4 * SEGMENT
"""Bytes between two regions that are rather given out, too: a gap costs a request, and bytes made anew."""
MOST_INTERVALS = 64
"""Parts of a file in one answer: those that lie nearest are joined. So the bytes made anew are a few megabytes."""

_AT_A_TIME = 2
_ENCRYPTED = ".c4gh"


class Extract(NamedTuple):
    """What a reader gets one after the other: a header, runs of the body, and bytes that are encrypted already."""

    header: bytes
    parts: Sequence[Run | bytes]


@dataclass(frozen=True, kw_only=True)
class Extractor:
    """Makes extracts; two at a time, which bounds the memory for indexes."""

    grants: Grants
    headers: ReaderHeaders
    archive: StreamingStore
    threads: Executor
    known: Knowledge = field(default_factory=Knowledge)
    turns: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, _AT_A_TIME))

    async def __call__(
        self, reader: Reader, file: ReadableFile, shown: str, wanted: Selection, key: PublicKey
    ) -> Extract | None:
        """Return the header of a file of the format `shown`, or header and regions, for the holder of `key`.

        None: regions cannot be cut out, since there is no index, or it does not fit the file. Raises NotFound,
        InvalidInput for a header that cannot be told, and what the archive raises.
        """
        index = None
        if not wanted.header_only:
            index = await self._index(reader, file, FORMATS[shown])
            if index is None:
                return None
        async with self.turns:
            try:
                return await self._extract(file, index, FORMATS[shown], wanted, key)
            except FileRefused as error:
                if wanted.header_only:
                    raise InvalidInput("The header of this file cannot be told.") from error
                log.warning("regions_not_cut", file=file.id, index=index and index.id, reason=str(error))
                return None

    async def _index(self, reader: Reader, file: ReadableFile, how: Format) -> ReadableFile | None:
        return await self.grants.beside(reader, file, names_of_indexes(file.path, how.endings))

    async def _extract(
        self, file: ReadableFile, index: ReadableFile | None, how: Format, wanted: Selection, key: PublicKey
    ) -> Extract:
        plain = self._plain(file)
        known = await self._known(plain, index, how)
        intervals = [(0, known.outline.header_end)]
        if known.index is not None:
            regions = by_reference(wanted.regions)
            intervals += await plain.on_thread(partial(how.intervals, known.outline, known.index, regions))
        pieces = await _pieces(plain, how, known.outline, intervals)
        return await plain.on_thread(partial(self._encrypted, plain, pieces, key))

    async def _known(self, plain: PlainText, index: ReadableFile | None, how: Format) -> Known:
        """Raises FileRefused."""
        key = plain.file.id, index and index.id
        known = self.known.of(key) or self.known.keep(key, await self._learnt(plain, index, how))
        if isinstance(known, Unusable):
            raise BadFormat(known.reason)
        return known

    async def _learnt(self, plain: PlainText, index: ReadableFile | None, how: Format) -> Known | Unusable:
        try:
            outline, found = await how.outline(plain), None
            if index is not None:
                data = await self._plain(index).read(0, LARGEST + 1)
                found = await plain.on_thread(partial(how.read_index, data))
        except FileRefused as error:
            return Unusable(str(error))
        return Known(outline, found)

    def _plain(self, file: ReadableFile) -> PlainText:
        opened = self.headers.opened(file.header)
        return PlainText(file=file, opened=opened, archive=self.archive, threads=self.threads)

    def _encrypted(self, plain: PlainText, pieces: Sequence[Piece], key: PublicKey) -> Extract:
        laid = splice(pieces, plain.opened.edit_list)
        data_key = plain.opened.data_keys[0]
        parts = [part if isinstance(part, Run) else encrypted(part, data_key) for part in laid.parts]
        return Extract(self.headers.spliced(key, plain.opened, laid.edits), parts)


def names_of_indexes(path: str, endings: Sequence[str]) -> list[str]:
    """Return the paths at which the index of a file may be, encrypted as it is."""
    whole = path.removesuffix(_ENCRYPTED)
    bare = whole[: whole.rindex(".")] if "." in whole.rpartition("/")[2] else whole
    return [name + ending + last for name in (whole, bare) for ending in endings for last in (_ENCRYPTED, "")]


async def _pieces(plain: PlainText, how: Format, outline: Outline, intervals: Sequence[Interval]) -> list[Piece]:
    """Return what the reader is to see: these intervals of the file, cut as its format wants, and how it ends."""
    found: list[Piece] = []
    for interval in bridged(intervals, near=NEAR, most=MOST_INTERVALS, distance=how.distance):
        for piece in await how.cut(plain, outline, interval):
            found += [piece] if isinstance(piece, bytes) else await _lifted(plain, *piece)
    return [*found, outline.eof]


async def _lifted(plain: PlainText, low: int, high: int) -> list[Piece]:
    """Copy what is not worth a request for segments of its own, or lies in a short one at the end of the body."""
    end = max(min(high, plain.whole_segments_end), low)
    if end - low < SEGMENT:
        end = low
    kept: list[Piece] = [(low, end)] if low < end else []
    return [*kept, await plain.read(end, high)] if end < high else kept
