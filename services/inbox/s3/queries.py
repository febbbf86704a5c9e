"""The S3 front's questions to the database, one sentence each."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    FromClause,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    literal_column,
    null,
    or_,
    select,
)

from services.inbox.queries import Protocol, Unfinished, unfinished_upload
from services.inbox.quota import BYTES
from shared.database.arrays import TextArray, is_among
from shared.database.queue_tables import folders, sidecars, uploads
from shared.database.reading import AsyncReads
from shared.database.records import File, to_file
from shared.database.states import FileState
from shared.database.tables import files
from shared.database.types import FileUuid, Octets
from shared.identifiers import NO_FILE, FileId, parse_file_id

_LAST = "\U0010ffff"
_IN_INBOX = files.c.inbox_location.is_not(None)


class Listed(NamedTuple):
    """A file or checksum file as it is listed; size in bytes, `tag` None if it has none."""

    path: str
    size: int
    at: datetime
    tag: str | None


class OpenMultipart(NamedTuple):
    """An upload in parts that is not completed."""

    path: str
    file_id: FileId
    begun: datetime


class Place(NamedTuple):
    """What is at a path: what keeps a file from having it, and the file that has it."""

    obstacle: str | None
    earlier: File | None


def _named(table: FromClause, name: str) -> Any:  # noqa: ANN401 - a condition
    return table.c.user == bindparam("owner"), table.c.path == bindparam(name, type_=Octets)


def _span(table: Table) -> tuple[Any, ...]:
    # by comparisons alone, so that the index leads to the first row and the limit ends the walk
    return (
        table.c.user == bindparam("owner"),
        table.c.path > bindparam("after", type_=Octets),
        table.c.path >= bindparam("first", type_=Octets),
        table.c.path < bindparam("stop", type_=Octets),
    )


def _page(query: Select[Any], table: Table) -> Select[Any]:
    return query.order_by(table.c.path).limit(bindparam("most"))


_FILE = (files.c.path, files.c.size, files.c.registered_at, files.c.tag)
_SIDECAR = (sidecars.c.path, sidecars.c.size, sidecars.c.at, null().label("tag"))
_FILES = _page(select(*_FILE).where(*_span(files), _IN_INBOX), files)
_SIDECARS = _page(select(*_SIDECAR).where(*_span(sidecars)), sidecars)
_FILE_AT = select(*_FILE).where(*_named(files, "named"), _IN_INBOX)
_SIDECAR_AT = select(*_SIDECAR).where(*_named(sidecars, "named"))
_MULTIPARTS = (
    select(files.c.path, files.c.id, files.c.registered_at)
    .join(uploads, uploads.c.file_id == files.c.id)
    .where(
        *_span(files)[:1],
        files.c.path >= bindparam("first", type_=Octets),
        files.c.path < bindparam("stop", type_=Octets),
        or_(
            files.c.path > bindparam("after", type_=Octets),
            (files.c.path == bindparam("after", type_=Octets)) & (files.c.id > bindparam("after_id", type_=FileUuid)),
        ),
        files.c.state == FileState.REGISTERED,
        uploads.c.protocol == Protocol.S3,
        uploads.c.upload_id.is_not(None),
    )
    .order_by(files.c.path, files.c.id)
    .limit(bindparam("most"))
)
_COMPLETED = select(files.c.tag).where(
    *_named(files, "named"),
    files.c.id == bindparam("file", type_=FileUuid),
    files.c.state.not_in([FileState.REGISTERED, FileState.CANCELLED]),
)
_CURRENT = files.alias("current_file")
_PLACE = select(
    exists().where(
        files.c.user == bindparam("owner"), is_among(files.c.path, bindparam("folders", type_=TextArray())), _IN_INBOX
    ),
    exists().where(*_span(files), _IN_INBOX) | exists().where(*_named(folders, "named")),
    *(_CURRENT.c[name] for name in File.__dataclass_fields__),
).select_from(
    select(literal_column("1"))
    .subquery()
    .outerjoin(_CURRENT, and_(*_named(_CURRENT, "named"), _CURRENT.c.inbox_location.is_not(None)))
)


def listed_after(connection: Connection, user: str, prefix: str, after: str, most: int) -> list[Listed]:
    """Return files and checksum files whose paths begin with `prefix` and sort behind `after`, at most `most`."""
    values = {**_spanned(user, prefix), "after": after, "most": most}
    found = [Listed(*row) for query in (_FILES, _SIDECARS) for row in connection.execute(query, values)]
    return sorted(found, key=lambda item: item.path.encode())[:most]


def listed_at(connection: Connection, user: str, path: str) -> Listed | None:
    """Return the file or checksum file that has this path."""
    for query in (_FILE_AT, _SIDECAR_AT):
        row = connection.execute(query, {"owner": user, "named": path}).one_or_none()
        if row is not None:
            return Listed(*row)
    return None


def multiparts_after(
    connection: Connection, user: str, prefix: str, after: tuple[str, FileId], most: int
) -> list[OpenMultipart]:
    """Return the uploads in parts that sort behind `after`, by path and id."""
    path, file_id = after
    values = {**_spanned(user, prefix), "after": path, "after_id": file_id, "most": most}
    return [OpenMultipart(*row) for row in connection.execute(_MULTIPARTS, values)]


def multipart_of(connection: Connection, user: str, path: str, file_id: FileId) -> Unfinished | None:
    """Return the unfinished upload in parts with this id, if it is this user's and of this path."""
    upload = unfinished_upload(connection, file_id)
    fits = upload is not None and upload.protocol is Protocol.S3 and upload.upload_id is not None
    return upload if upload and fits and (upload.file.user, upload.file.path) == (user, path) else None


def completed_tag(connection: Connection, user: str, path: str, upload_id: str) -> str | None:
    """Return the tag of a file whose upload in parts had this id and was completed."""
    values = {"owner": user, "named": path, "file": parse_file_id(upload_id)}
    tag: str | None = connection.execute(_COMPLETED, values).scalar_one_or_none()
    return tag


def place_of(connection: Connection, user: str, path: str) -> Place:
    """Return what is at a path."""
    return _place(connection.execute(_PLACE, _placed(user, path)).one())


async def ask_place(reads: AsyncReads, user: str, path: str) -> Place:
    """Return what is at a path."""
    [row] = await reads.rows(_PLACE, _placed(user, path))
    return _place(row)


async def ask_bytes(reads: AsyncReads, user: str) -> int:
    """Return how much room a user takes in the inbox: finished files, and parts of others."""
    [(taken,)] = await reads.rows(BYTES, {"owner": user, "but": NO_FILE})
    return int(taken)


def _place(row: Sequence[Any]) -> Place:
    file_above, folder, *current = row
    above = "there is a file where this path has a folder" if file_above else None
    return Place(
        above or ("there is a folder of this name" if folder else None), to_file(current) if current[0] else None
    )


def _placed(user: str, path: str) -> dict[str, Any]:
    return {**_spanned(user, path + "/"), "after": "", "named": path, "folders": list(_folders(path))}


def _folders(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _spanned(user: str, prefix: str) -> dict[str, str]:
    return {"owner": user, "first": prefix, "stop": beyond(prefix)}


def beyond(prefix: str) -> str:
    """Return what sorts behind all texts that begin with `prefix`."""
    return prefix + _LAST
