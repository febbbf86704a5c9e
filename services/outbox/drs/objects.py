"""Objects of DRS 1.5: what a file is, and where its bytes are.

https://ga4gh.github.io/data-repository-service-schemas/preview/release/drs-1.5.0/docs/
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from shared.access.grants import Grants, ReadableFile, Reader
from shared.http.problems import Forbidden
from shared.storage.streams import StreamingStore

CONTENT = "content"
"""The one `access_id`: the body of a file."""
MOST_AT_ONCE = 1000
"""Ids in one request."""


class AccessWanted(NamedTuple):
    """An object and one of its ways."""

    name: str
    access: str


@dataclass(frozen=True, kw_only=True)
class DrsObjects:
    """Describes objects. redirect_seconds: the store gives their bytes, for so long; None: this service does."""

    grants: Grants
    archive: StreamingStore
    redirect_seconds: int | None

    async def show(self, reader: Reader, name: str, base: str) -> dict[str, Any]:
        """Return an object. Raises Forbidden."""
        return _described(await self._file(reader, name), base)

    async def show_many(self, reader: Reader, names: Sequence[str], base: str) -> dict[str, Any]:
        """Return those objects that may be read, and name the others."""
        found, missing = [], []
        for name in names:
            file = await self.grants.file(reader, name)
            if file is None:
                missing.append(name)
            else:
                found.append(_described(file, base))
        return {**_summary(len(found), missing), "resolved_drs_object": found}

    async def access(self, reader: Reader, wanted: AccessWanted, token: str, base: str) -> dict[str, Any]:
        """Return where the bytes of an object are, and the headers to ask for them with. Raises Forbidden."""
        file = await self._file(reader, wanted.name)
        if wanted.access != CONTENT:
            raise Forbidden
        if self.redirect_seconds is not None:
            address = self.archive.address("GET", file.id, seconds=self.redirect_seconds)
            if address is not None:
                return {"url": address, "headers": []}
        return {"url": f"{base}/files/{_quoted(file)}/content", "headers": [f"Authorization: Bearer {token}"]}

    async def access_many(
        self, reader: Reader, wanted: Sequence[AccessWanted], token: str, base: str
    ) -> dict[str, Any]:
        """Return where the bytes of those objects are that may be read, and name the others."""
        found, missing = [], []
        for one in wanted:
            try:
                place = await self.access(reader, one, token, base)
            except Forbidden:
                missing.append(one.name)
            else:
                found.append({"drs_object_id": one.name, "drs_access_id": one.access, **place})
        return {**_summary(len(found), missing), "resolved_drs_object_access_urls": found}

    async def _file(self, reader: Reader, name: str) -> ReadableFile:
        file = await self.grants.file(reader, name)
        if file is None:
            raise Forbidden
        return file


def _summary(resolved: int, missing: list[str]) -> dict[str, Any]:
    counts = {"requested": resolved + len(missing), "resolved": resolved, "unresolved": len(missing)}
    unresolved = [{"error_code": 403, "object_ids": missing}] if missing else []
    return {"summary": counts, "unresolved_drs_objects": unresolved}


def _described(file: ReadableFile, base: str) -> dict[str, Any]:
    created = file.registered_at.isoformat().replace("+00:00", "Z")
    return {
        "id": file.accession or file.id,
        "name": file.path.rpartition("/")[2],
        "self_uri": f"drs://{urlsplit(base).netloc}/{_quoted(file)}",
        "size": file.archive_size,
        "created_time": created,
        "mime_type": "application/octet-stream",
        "checksums": [{"type": "sha-256", "checksum": file.archived_sha256}] if file.archived_sha256 else [],
        "access_methods": [{"type": "https", "access_id": CONTENT}],
    }


def _quoted(file: ReadableFile) -> str:
    return quote(file.accession or file.id, safe="")
