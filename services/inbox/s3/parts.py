"""The parts of an upload: which are there, and whether a file can be made of them."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection

from services.inbox.inbox import SERVICE, Inbox
from services.inbox.queries import Unfinished
from services.inbox.quota import check_room
from services.inbox.s3.errors import S3Error
from services.inbox.s3.queries import multipart_of
from services.inbox.statements import UPLOAD_RECEIVED
from shared.broker.unit import Unit
from shared.database.engine import Conflict
from shared.database.types import now
from shared.identifiers import FileId, parse_file_id
from shared.storage.port import Part
from shared.storage.sizes import MAX_OBJECT, MAX_PARTS, MIB, MIN_PART

LARGEST_PART = 5 * 1024 * MIB
"""Bytes of a part, and of an object that is sent in one piece (Amazon S3 User Guide, "multipart upload limits")."""
_TOUCH = timedelta(minutes=1)


def find_upload(inbox: Inbox, user: str, path: str, upload_id: str) -> Unfinished:
    """Return the upload in parts that a client means. Raises S3Error, DatabaseAway."""
    with inbox.database.read() as connection:
        return _found(connection, user, path, upload_id)


def check_part(inbox: Inbox, user: str, path: str, upload_id: str, *, number: int, size: int) -> Unfinished:
    """Return the upload that a part of `size` bytes is for. Raises S3Error, QuotaExceeded, DatabaseAway."""
    if not 1 <= number <= MAX_PARTS:
        raise S3Error("InvalidArgument", f"parts are numbered from 1 to {MAX_PARTS:,}: choose larger parts")
    if size > LARGEST_PART:
        raise S3Error("EntityTooLarge", "a part has 5 GiB at most: choose smaller parts")
    with inbox.database.read() as connection:
        upload = _found(connection, user, path, upload_id)
        check_room(connection, inbox, user, size)
    return upload


def note_part(inbox: Inbox, upload: Unfinished, size: int) -> None:
    """Write down that the upload goes on; where there is a quota with each part, else once a minute."""
    if inbox.quota is None and now() - upload.touched_at < _TOUCH:
        return
    unit = Unit(service=SERVICE)
    unit.add(UPLOAD_RECEIVED, file=upload.file.id, more=size, at=unit.at)
    try:
        inbox.committer.commit(unit)
    except Conflict:
        raise no_such_upload() from None


def chosen_parts(stored: Sequence[Part], wanted: Sequence[tuple[int, str]]) -> list[Part]:
    """Return the parts of which the client wants the file made, by number and tag. Raises S3Error."""
    by_number = {part.number: part for part in stored}
    numbers = [number for number, _ in wanted]
    if numbers != sorted(set(numbers)):
        raise S3Error("InvalidPartOrder", "the parts are named in the order of their numbers, each once")
    for number, tag in wanted:
        if number not in by_number or by_number[number].etag != tag:
            raise S3Error("InvalidPart", f"part {number} is not here, or is another one: send it again")
    parts = [by_number[number] for number in numbers]
    _check_sizes(parts)
    return parts


def no_such_upload() -> S3Error:
    """Make the error of an upload that is not there."""
    return S3Error("NoSuchUpload", "there is no such upload: it was completed or given up, begin anew")


def _check_sizes(parts: Sequence[Part]) -> None:
    if not parts:
        raise S3Error("MalformedXML", "no part is named")
    small = next((part for part in parts[:-1] if part.size < MIN_PART), None)
    if small is not None:
        raise S3Error("EntityTooSmall", f"part {small.number} has less than 5 MiB, which only the last may have")
    if sum(part.size for part in parts) > MAX_OBJECT:
        raise S3Error("EntityTooLarge", "a file has 5 TiB at most")


def _found(connection: Connection, user: str, path: str, upload_id: str) -> Unfinished:
    file_id: FileId | None = parse_file_id(upload_id)
    upload = None if file_id is None else multipart_of(connection, user, path, file_id)
    if upload is None:
        raise no_such_upload()
    return upload
