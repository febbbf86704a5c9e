"""A ticket: where to get the pieces that make a file, in their order (htsget 1.3, section "Response JSON fields").

The first piece is the header, re-encrypted to the reader's key; the others are the body. Files are encrypted, so
regions are not cut out: a client gets the whole file, which the standard allows ("a superset of the records").

https://samtools.github.io/hts-specs/htsget.html
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from services.outbox.download import Part, Prepare, Wanted
from shared.access.grants import Grants, ReadableFile, Reader
from shared.http.problems import Forbidden, HttpError
from shared.storage.streams import StreamingStore

BLOCK = 1 << 30
"""Bytes of one piece of the body: as much as is asked for again after a break."""

FORMATS: Mapping[str, tuple[str, ...]] = {"reads": ("BAM", "CRAM"), "variants": ("VCF", "BCF")}
"""What each endpoint gives; the first is meant if nothing is said."""

_ENDINGS = {"bam": "BAM", "cram": "CRAM", "vcf": "VCF", "bcf": "BCF"}


class UnsupportedFormat(HttpError):
    """This file is not to be had in this format."""

    code = "UnsupportedFormat"


class InvalidInput(HttpError):
    """A parameter is malformed, or does not go with the others."""

    code = "InvalidInput"


class InvalidRange(HttpError):
    """The end of the region lies before its start."""

    code = "InvalidRange"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a client asks for; `token` is passed on to the pieces, `base` is the URL of this service."""

    kind: str
    name: str
    keys: Sequence[str]
    query: Mapping[str, str]
    token: str
    base: str


@dataclass(frozen=True, kw_only=True)
class WriteTicket:
    """Writes tickets. redirect_seconds: the store gives the pieces, for so long; None: this service does."""

    grants: Grants
    prepare: Prepare
    archive: StreamingStore
    redirect_seconds: int | None

    async def __call__(self, reader: Reader, asked: Asked) -> dict[str, Any]:
        """Return a ticket; a refusal comes before any complaint.

        Raises Forbidden, UnsupportedFormat, InvalidInput, InvalidRange, and what `Prepare` raises of keys.
        """
        file = await self.grants.file(reader, asked.name)
        if file is None:
            raise Forbidden
        _check_region(asked.query)
        shown = _format(file, asked)
        header = self.prepare(file, Wanted(part=Part.HEADER, keys=asked.keys, query={})).header
        first = {"url": f"data:application/octet-stream;base64,{base64.b64encode(header).decode()}"}
        return {"htsget": {"format": shown, "urls": [first, *self._pieces(file, asked)]}}

    def _pieces(self, file: ReadableFile, asked: Asked) -> Iterator[dict[str, Any]]:
        for start in range(0, file.archive_size, BLOCK):
            stop = min(start + BLOCK, file.archive_size)
            headers = {"Range": f"bytes={start}-{stop - 1}"}
            address = None
            if self.redirect_seconds is not None:
                address = self.archive.address("GET", file.id, seconds=self.redirect_seconds)
            if address is None:
                address = f"{asked.base}/files/{quote(file.accession or file.id, safe='')}/content"
                headers["Authorization"] = f"Bearer {asked.token}"
            yield {"url": address, "headers": headers}


def _format(file: ReadableFile, asked: Asked) -> str:
    """Return the format of the file, which its name tells, or else the one that is asked for."""
    known = FORMATS[asked.kind]
    wanted = asked.query.get("format", "").upper()
    parts = file.path.lower().removesuffix(".c4gh").removesuffix(".gz").rsplit(".", 1)
    found = _ENDINGS.get(parts[-1], wanted or known[0])
    if found not in known or wanted not in {"", found}:
        raise UnsupportedFormat
    return found


def _check_region(query: Mapping[str, str]) -> None:
    if query.get("class"):
        raise InvalidInput("Files are encrypted: their inner header is not given apart.")
    numbers = [query.get(name) for name in ("start", "end")]
    if any(number is not None and not (number.isascii() and number.isdigit()) for number in numbers):
        raise InvalidInput
    start, end = (int(number) if number is not None and len(number) < 19 else None for number in numbers)
    if numbers != [None, None] and query.get("referenceName", "*") == "*":
        raise InvalidInput("A region needs the name of a reference.")
    if start is not None and end is not None and end <= start:
        raise InvalidRange
