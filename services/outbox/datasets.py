"""What a reader may read: datasets, and the files of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

from shared.access.grants import Grants, ListedFile, ReadableDataset, Reader
from shared.http.pages import Page, Pages
from shared.http.problems import Forbidden, HttpError
from shared.identifiers import FileId

_LONGEST_PATH = 4096
_ID = 36


class FilterConflict(HttpError):
    """Give `filePath` or `pathPrefix`, not both."""

    code = "FILTER_CONFLICT"


class InvalidFilePath(HttpError):
    """A path is relative to its dataset, without a slash at its start, and has 1 to 4096 characters."""

    code = "INVALID_FILE_PATH"


class Filter(NamedTuple):
    """Which files of a dataset: those at a path, those below a prefix, or all."""

    path: str | None = None
    below: str | None = None


@dataclass(frozen=True, kw_only=True)
class Lists:
    """Lists what may be read; every method raises DatabaseAway, and of HttpError what it names."""

    grants: Grants
    pages: Pages

    async def datasets(self, reader: Reader, query: Mapping[str, str]) -> dict[str, Any]:
        """Return a page of the datasets. Raises InvalidPageSize, InvalidPageToken."""
        page = self.pages.parse(query, reader.user, "datasets")
        found = await self.grants.datasets(reader, after=page.after, count=page.size + 1)
        shown = found[: page.size]
        return {"datasets": shown, "nextPageToken": self._next(page, len(found), shown[-1:])}

    async def dataset(self, reader: Reader, name: str) -> dict[str, Any]:
        """Return what there is to say about a dataset. Raises Forbidden."""
        dataset = await self._readable(reader, name)
        summary = await self.grants.summary(reader, dataset)
        return {
            "datasetId": dataset.id,
            "date": dataset.changed_at.isoformat().replace("+00:00", "Z"),
            "files": summary.files,
            "size": summary.size,
        }

    async def files(self, reader: Reader, name: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Return a page of the files of a dataset; a refusal comes before any complaint about the query.

        Raises Forbidden, FilterConflict, InvalidFilePath, InvalidPageSize, InvalidPageToken.
        """
        dataset = await self._readable(reader, name)
        only = _filter(query)
        page = self.pages.parse(query, reader.user, name, only.path or "", only.below or "")
        found = await self._found(reader, dataset, page, only)
        shown = found[: page.size]
        return {
            "files": [_described(file) for file in shown],
            "nextPageToken": self._next(page, len(found), [f"{file.id}{file.path}" for file in shown[-1:]]),
        }

    async def _found(self, reader: Reader, dataset: ReadableDataset, page: Page, only: Filter) -> list[ListedFile]:
        """Return the files of a page, and one more if there are more; a page begins behind a file's id and path."""
        file, path = FileId(page.after[:_ID]), page.after[_ID:]
        count = page.size + 1
        if only.below is not None:
            after = (path, file) if page.after else None
            return await self.grants.files_below(reader, dataset, only.below, after=after, count=count)
        return await self.grants.files(reader, dataset, after=file or None, count=count, path=only.path)

    async def _readable(self, reader: Reader, name: str) -> ReadableDataset:
        dataset = await self.grants.dataset(reader, name)
        if dataset is None:
            raise Forbidden
        return dataset

    def _next(self, page: Page, found: int, last: list[Any]) -> str | None:
        return self.pages.token(page, last[0]) if found > page.size else None


def _filter(query: Mapping[str, str]) -> Filter:
    path, below = query.get("filePath"), query.get("pathPrefix")
    if path is not None and below is not None:
        raise FilterConflict
    for text in (path, below):
        if text is not None and not (0 < len(text.strip()) <= _LONGEST_PATH and text[0] != "/" and "\0" not in text):
            raise InvalidFilePath
    return Filter(path, below)


def _described(file: ListedFile) -> dict[str, Any]:
    name = file.accession or file.id
    digests = (("sha256", file.sha256), ("md5", file.md5))
    return {
        "fileId": name,
        "filePath": file.path,
        "size": file.archive_size,
        "decryptedSize": file.plain_size,
        "checksums": [{"type": algorithm, "checksum": value} for algorithm, value in digests if value],
        "downloadUrl": f"/files/{quote(name, safe='')}",
    }
