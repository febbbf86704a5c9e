"""Files as objects of the GA4GH Data Repository Service, found by dataset and path as the incumbent's clients do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from shared.access.grants import Grants, ReadableFile, Reader
from shared.http.problems import Forbidden, HttpError

_MOST_SLASHES = 8


class InvalidObjectPath(HttpError):
    """An object is named by the id of its dataset, a slash, and its path there."""

    code = "INVALID_FILE_PATH"


@dataclass(frozen=True, kw_only=True)
class Objects:
    """Finds files by dataset and path."""

    grants: Grants

    async def at(self, reader: Reader, raw: bytes, base: str) -> dict[str, Any]:
        """Return the object at a path as it was sent. Raises Forbidden, InvalidObjectPath, DatabaseAway.

        An encoded slash is part of the dataset's id or of the path. Of one that is sent as it is nobody can tell which:
        the shortest id counts under which there is such a file for this reader.
        """
        places = list(_places(raw))
        if not places:
            raise InvalidObjectPath
        for dataset, path in places:
            file = await self.grants.file_at(reader, dataset, path)
            if file is not None:
                return described(file, base)
        raise Forbidden


def _places(raw: bytes) -> Iterator[tuple[str, str]]:
    """Yield the dataset ids and paths that may be meant."""
    segments = raw.decode("latin-1").split("/")
    for count in range(1, min(len(segments), _MOST_SLASHES)):
        dataset, path = (unquote("/".join(part)) for part in (segments[:count], segments[count:]))
        if dataset and path:
            yield dataset, path


def described(file: ReadableFile, base: str) -> dict[str, Any]:
    """Return the object that a file is: its body, as `/files/{id}/content` gives it to whoever may read it."""
    name = quote(file.accession or file.id, safe="")
    url = urlsplit(base)
    known = file.archived_sha256
    return {
        "id": file.accession or file.id,
        "self_uri": f"drs://{url.netloc}/{name}",
        "size": file.archive_size,
        "created_time": file.registered_at.isoformat().replace("+00:00", "Z"),
        "checksums": [{"type": "sha-256", "checksum": known}] if known else [],
        "access_methods": [
            {"type": url.scheme, "access_url": {"url": f"{base}/files/{name}/content"}},
        ],
    }
