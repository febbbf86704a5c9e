"""Lists of what a user has in the inbox: a page at a time, each by a few steps along an index."""

from dataclasses import dataclass, field

from sqlalchemy import Connection

from services.inbox.inbox import Inbox
from services.inbox.s3.errors import S3Error
from services.inbox.s3.queries import Listed, OpenMultipart, beyond, listed_after, multiparts_after
from shared.identifiers import FileId, parse_file_id

LARGEST_PAGE = 1000
_LOOK = 8
"""Rows that are read behind a folder that was jumped over: more of the same kind are likely."""
_FIRST_ID = FileId("00000000-0000-0000-0000-000000000000")


@dataclass(frozen=True)
class Wanted:
    """A page: at most `most` entries that begin with `prefix` and sort behind `after`; `delimiter` ends folders."""

    prefix: str = ""
    delimiter: str = ""
    after: str = ""
    most: int = LARGEST_PAGE


@dataclass
class Page:
    """What was found; `last` is the last entry, from which the next page goes on if this one is `truncated`."""

    files: list[Listed] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    truncated: bool = False
    last: str = ""

    @property
    def count(self) -> int:
        """How many entries there are."""
        return len(self.files) + len(self.folders)


@dataclass
class Multiparts:
    """The uploads in parts that are not completed."""

    uploads: list[OpenMultipart]
    truncated: bool


def list_page(inbox: Inbox, user: str, wanted: Wanted) -> Page:
    """List files, and folders where the page has a delimiter. Raises DatabaseAway."""
    page = Page()
    with inbox.database.read() as connection:
        _fill(connection, page, user, wanted)
    return page


def _fill(connection: Connection, page: Page, user: str, wanted: Wanted) -> None:
    after, look = _behind(wanted), wanted.most + 1
    while True:
        rows = listed_after(connection, user, wanted.prefix, after, look)
        for row in rows:
            if row.path <= after:
                continue
            if page.count == wanted.most:
                page.truncated = True
                return
            after = _add(page, wanted, row)
        if len(rows) < look:
            return
        look = min(_LOOK, wanted.most - page.count + 1) if after != rows[-1].path else wanted.most - page.count + 1


def _behind(wanted: Wanted) -> str:
    """Return from where to look: behind all of a folder, if that was the last entry of the page before."""
    return beyond(wanted.after) if wanted.delimiter and wanted.after.endswith(wanted.delimiter) else wanted.after


def _add(page: Page, wanted: Wanted, row: Listed) -> str:
    """Add a file, or the folder that it is in; return behind what the list goes on."""
    name, delimiter, _ = row.path[len(wanted.prefix) :].partition(wanted.delimiter or "\0")
    if not delimiter:
        page.files.append(row)
        page.last = row.path
        return row.path
    page.last = wanted.prefix + name + delimiter
    page.folders.append(page.last)
    return beyond(page.last)


def list_multiparts(inbox: Inbox, user: str, prefix: str, after: tuple[str, str], most: int) -> Multiparts:
    """List the uploads in parts behind a path and an upload's id. Raises S3Error, DatabaseAway."""
    path, marker = after
    file_id = parse_file_id(marker) if marker else FileId("ffffffff-ffff-ffff-ffff-ffffffffffff" if path else _FIRST_ID)
    if file_id is None:
        raise S3Error("InvalidArgument", "upload-id-marker is the NextUploadIdMarker of the page before")
    with inbox.database.read() as connection:
        found = multiparts_after(connection, user, prefix, (path, file_id), most + 1)
    return Multiparts(found[:most], len(found) > most)
