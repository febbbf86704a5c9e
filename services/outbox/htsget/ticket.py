"""A ticket: where to get the pieces that make a file, in their order (htsget 1.3, section "Response JSON fields").

The first piece is the header, re-encrypted to the reader's key; the others are ranges of the body, and where regions
were cut out the bytes around the cuts. Where that can't be done a client gets the whole file, which the standard
allows ("a superset of the records").

https://samtools.github.io/hts-specs/htsget.html
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from services.outbox.download import Part, Prepare, Wanted, reader_key_of
from services.outbox.htsget.errors import InvalidInput, UnsupportedFormat
from services.outbox.htsget.extract import Extract, Extractor
from services.outbox.htsget.regions import Selection, selection_of
from shared.access.grants import Grants, ReadableFile, Reader
from shared.crypto.splice import Run
from shared.http.problems import Forbidden
from shared.storage.streams import StreamingStore

BLOCK = 1 << 30
"""Bytes of one piece of the body: as much as is asked for again after a break."""

KINDS: Mapping[str, tuple[str, ...]] = {"reads": ("BAM", "CRAM"), "variants": ("VCF", "BCF")}
"""What each endpoint gives; the first is meant if nothing is said."""

_ENDINGS = {"bam": "BAM", "cram": "CRAM", "vcf": "VCF", "bcf": "BCF"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a client asks for; `token` is passed on to the pieces, `base` is the URL of this service."""

    kind: str
    name: str
    keys: Sequence[str]
    query: Mapping[str, Any]
    token: str
    base: str


@dataclass(frozen=True, kw_only=True)
class WriteTicket:
    """Writes tickets. redirect_seconds: the store gives the pieces, for so long; None: this service does."""

    grants: Grants
    prepare: Prepare
    extract: Extractor
    archive: StreamingStore
    redirect_seconds: int | None

    async def __call__(self, reader: Reader, asked: Asked) -> dict[str, Any]:
        """Return a ticket; a refusal comes before any complaint.

        Raises Forbidden, UnsupportedFormat, InvalidInput, InvalidRange, NotFound, and what `Prepare` raises of keys.
        """
        file = await self.grants.file(reader, asked.name)
        if file is None:
            raise Forbidden
        wanted, shown = selection_of(asked.query), _format(file, asked)
        given = await self._part(reader, file, shown, wanted, asked.keys) or self._whole(file, asked.keys)
        urls = [_inline(given.header), *(url for part in given.parts for url in self._urls(file, part, asked))]
        return {"htsget": {"format": shown, "urls": urls}}

    async def _part(
        self, reader: Reader, file: ReadableFile, shown: str, wanted: Selection, keys: Sequence[str]
    ) -> Extract | None:
        return None if wanted.is_all else await self.extract(reader, file, shown, wanted, reader_key_of(keys))

    def _whole(self, file: ReadableFile, keys: Sequence[str]) -> Extract:
        header = self.prepare(file, Wanted(part=Part.HEADER, keys=keys, query={})).header
        return Extract(header, [Run(0, file.archive_size)])

    def _urls(self, file: ReadableFile, part: Run | bytes, asked: Asked) -> Iterator[dict[str, Any]]:
        if not isinstance(part, Run):
            yield _inline(part)
            return
        for start in range(part.offset, part.stop, BLOCK):
            stop = min(start + BLOCK, part.stop)
            headers = {"Range": f"bytes={start}-{stop - 1}"}
            address = None
            if self.redirect_seconds is not None:
                address = self.archive.address("GET", file.id, seconds=self.redirect_seconds)
            if address is None:
                address = f"{asked.base}/files/{quote(file.accession or file.id, safe='')}/content"
                headers["Authorization"] = f"Bearer {asked.token}"
            yield {"url": address, "headers": headers}


def _inline(data: bytes) -> dict[str, Any]:
    return {"url": f"data:application/octet-stream;base64,{base64.b64encode(data).decode()}"}


def _format(file: ReadableFile, asked: Asked) -> str:
    """Return the format of the file, which its name tells, or else the one that is asked for."""
    known = KINDS[asked.kind]
    wanted = asked.query.get("format") or ""
    if not isinstance(wanted, str):
        raise InvalidInput
    wanted = wanted.upper()
    parts = file.path.lower().removesuffix(".c4gh").removesuffix(".gz").rsplit(".", 1)
    found = _ENDINGS.get(parts[-1], wanted or known[0])
    if found not in known or wanted not in {"", found}:
        raise UnsupportedFormat
    return found
