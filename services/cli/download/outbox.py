"""The outbox as a download sees it: datasets, files, headers, and ranges of content.

The interface is that of `sensitive-data-archive` (download, version 2).
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from services.cli.download.http import Requests
from shared.crypto.header import MAX_HEADER, header_length
from shared.crypto.keys import PublicKey
from shared.errors import ConfigurationError, StrongroomError, TransientError

_PAGE = 1000
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/=]+):")


class FileReplaced(StrongroomError):
    """The outbox has another file under this id than before."""


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file of a dataset: bytes, encrypted; digests (hexadecimal, by algorithm) of what its reader decrypts."""

    id: str
    path: str
    size: int
    digests: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Content:
    """The encrypted body of a file: bytes, tag, and its SHA-256 where the outbox tells it (RFC 9530)."""

    size: int
    etag: str
    sha256: str | None


class Outbox:
    """Every method raises what `Requests.call` does; UserError too for what is not granted."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def datasets(self) -> Iterator[str]:
        """Ids of the datasets that may be read."""
        yield from (str(one) for one in self._pages("/datasets", "datasets"))

    def files(self, dataset: str) -> Iterator[RemoteFile]:
        """Files of a dataset."""
        for one in self._pages(f"/datasets/{quote(dataset, safe='')}/files", "files"):
            digests = {str(found["type"]).lower(): str(found["checksum"]).lower() for found in one["checksums"]}
            yield RemoteFile(id=str(one["fileId"]), path=str(one["filePath"]), size=int(one["size"]), digests=digests)

    def header(self, file: str, key: PublicKey) -> bytes:
        """Return the header, encrypted for a key."""

        def ask() -> bytes:
            sent = {"X-C4GH-Public-Key": base64.b64encode(key.raw).decode()}
            with self._requests.get(f"/files/{quote(file, safe='')}/header", sent) as response:
                return response.read(MAX_HEADER + 1)

        header = self._requests.call(ask)
        if header_length(header) != len(header):
            raise ConfigurationError("what the outbox sends is not a Crypt4GH header: check its address")
        return header

    def content(self, file: str) -> Content:
        """Ask for size and tag of a body."""

        def ask() -> Content:
            with self._requests.get(f"{_content(file)}", method="HEAD") as response:
                digest = _DIGEST.search(response.headers.get("Repr-Digest", ""))
                return Content(
                    size=int(response.headers["Content-Length"]),
                    etag=response.headers.get("ETag", ""),
                    sha256=base64.b64decode(digest[1]).hex() if digest else None,
                )

        return self._requests.call(ask)

    def read(self, file: str, content: Content, offset: int, buffer: memoryview) -> None:
        """Fill the buffer with the bytes of a body from `offset`; what has arrived is not asked for again.

        Raises FileReplaced.
        """
        filled = 0
        while filled < len(buffer):
            filled += self._requests.call(lambda: self._read(file, content, offset + filled, buffer[filled:]))  # noqa: B023

    def _read(self, file: str, content: Content, offset: int, buffer: memoryview) -> int:
        """Read as far as one answer goes. Raises TransientError if that is nowhere."""
        last = offset + len(buffer) - 1
        sent = {"Range": f"bytes={offset}-{last}", **({"If-Range": content.etag} if content.etag else {})}
        count = 0
        try:
            with self._requests.get(_content(file), sent) as response:
                found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
                if response.status != 206 or found is None or int(found[3]) != content.size:
                    raise FileReplaced
                if int(found[1]) != offset:
                    raise ConfigurationError("the outbox answers with another range than it was asked for")
                while count < len(buffer) and (step := response.readinto(buffer[count:])):
                    count += step
        except TransientError:
            if not count:
                raise
        if not count:
            raise TransientError("the answer was empty")
        return count

    def _pages(self, path: str, name: str) -> Iterator[Any]:
        token: object = None
        while True:
            query = {"pageSize": str(_PAGE), **({"pageToken": str(token)} if token else {})}
            page = self._requests.json(f"{path}?{urlencode(query)}")
            found = page.get(name)
            if not isinstance(found, list):
                raise ConfigurationError("the answer is not that of an outbox: check its address")
            yield from found
            token = page.get("nextPageToken")
            if not token:
                return


def _content(file: str) -> str:
    return f"/files/{quote(file, safe='')}/content"
