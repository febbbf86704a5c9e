"""What a reader may read: datasets, and the files of one."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from services.outbox.queries import Entry, datasets_to_read, files_to_read
from shared.database.engine import Database
from shared.http.pages import InvalidPageToken, Page, page_token, parse_page
from shared.http.problems import HttpError
from shared.identifiers import parse_file_id

SEALED_HEADER = 124
"""Bytes of a header with one data key for one reader (Crypt4GH 1.0, section 3.2): what all common tools write."""

_DATASETS = "datasets"


def list_datasets(database: Database, user: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return a page of the datasets that a user may read. Raises HttpError, DatabaseAway."""
    page = parse_page(query, _DATASETS)
    found = datasets_to_read(database, user, after=page.after, count=page.size + 1)
    shown = found[: page.size]
    more = len(found) > page.size
    return {"datasets": shown, "nextPageToken": page_token(_DATASETS, shown[-1]) if more else None}


def list_files(database: Database, user: str, dataset: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return a page of the files of a dataset; a refusal comes before any complaint about the query.

    Raises HttpError, DatabaseAway.
    """
    listing = f"files of {dataset}"
    try:
        page = _files_page(query, listing)
    except HttpError:
        files_to_read(database, user, dataset, after=None, count=1)
        raise
    found = files_to_read(database, user, dataset, after=parse_file_id(page.after), count=page.size + 1)
    shown = found[: page.size]
    more = len(found) > page.size
    return {
        "files": [_described(entry) for entry in shown],
        "nextPageToken": page_token(listing, shown[-1].file.id) if more else None,
    }


def _files_page(query: Mapping[str, str], listing: str) -> Page:
    page = parse_page(query, listing)
    if page.after and parse_file_id(page.after) is None:
        raise InvalidPageToken
    return page


def _described(entry: Entry) -> dict[str, Any]:
    file = entry.file
    name = file.accession or file.id
    return {
        "fileId": name,
        "filePath": file.path,
        "size": SEALED_HEADER + file.archive_size,
        "decryptedSize": file.plain_size,
        "checksums": [{"type": algorithm, "checksum": value} for algorithm, value in entry.checksums.items()],
        "downloadUrl": f"/files/{quote(name, safe='')}",
    }
