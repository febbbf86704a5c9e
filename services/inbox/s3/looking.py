"""What a user may see: the own bucket, and what is in it."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import NoReturn
from urllib.parse import quote

from starlette.responses import Response

from services.inbox.errors import NotThere
from services.inbox.s3.calls import Call
from services.inbox.s3.errors import S3Error
from services.inbox.s3.listing import LARGEST_PAGE, Page, Wanted, list_multiparts, list_page
from services.inbox.s3.parts import find_upload, no_such_upload
from services.inbox.s3.queries import Listed, listed_at
from services.inbox.s3.xml import Content, Element, elements, xml_response
from shared.access.buckets import bucket_of
from shared.storage.errors import UploadMissing
from shared.storage.port import Part

_OWNER: Content = (("ID", "inbox"), ("DisplayName", "inbox"))
_EPOCH = datetime.fromtimestamp(0, UTC)


async def list_buckets(call: Call) -> Response:
    """Name the user's own bucket: there is no other."""
    bucket = elements(("Name", bucket_of(call.user)), ("CreationDate", _iso(_EPOCH)))
    content = (("Owner", _OWNER), ("Buckets", [("Bucket", bucket)]))
    return xml_response("ListAllMyBucketsResult", content)


async def head_bucket(_call: Call) -> Response:
    """Say that the bucket is there."""
    return Response(headers={"x-amz-bucket-region": "us-east-1"})


async def create_bucket(_call: Call) -> NoReturn:
    """Say that the bucket is there: clients that make it before they upload go on then."""
    raise S3Error("BucketAlreadyOwnedByYou", "your bucket is there already, and you need no other")


async def get_bucket_location(_call: Call) -> Response:
    """Name no region, which stands for the first one."""
    return xml_response("LocationConstraint", ())


async def head_object(call: Call) -> Response:
    """Tell size, tag and time of a file."""
    path = call.path

    def look() -> Listed | None:
        with call.ground.inbox.database.read() as connection:
            return listed_at(connection, call.user, path)

    found = await call.waiting(look)
    if found is None:
        raise NotThere
    return Response(
        headers={
            "Content-Length": str(found.size),
            "Content-Type": "application/octet-stream",
            "ETag": _etag(found),
            "Last-Modified": format_datetime(found.at, usegmt=True),
            "Accept-Ranges": "bytes",
        }
    )


async def list_objects(call: Call) -> Response:
    """Answer the first version of ListObjects, whose pages begin behind a `marker`."""
    values = call.request.values
    wanted = _wanted(call, values.get("marker", ""))
    page = await _page(call, wanted)
    next_marker = page.last if page.truncated and wanted.delimiter else None
    described = elements(
        ("Marker", _spelled(call, values.get("marker", ""))),
        ("NextMarker", None if next_marker is None else _spelled(call, next_marker)),
    )
    return _listed(call, wanted, page, described)


async def list_objects_v2(call: Call) -> Response:
    """Answer the second version, whose pages are joined by an opaque token."""
    values = call.request.values
    token, start = values.get("continuation-token"), values.get("start-after")
    wanted = _wanted(call, _read_token(token) if token else start or "")
    page = await _page(call, wanted)
    described = elements(
        ("KeyCount", page.count),
        ("StartAfter", None if start is None else _spelled(call, start)),
        ("ContinuationToken", token),
        ("NextContinuationToken", _token(page.last) if page.truncated else None),
    )
    return _listed(call, wanted, page, described)


async def list_multipart_uploads(call: Call) -> Response:
    """List the uploads that are not completed."""
    values = call.request.values
    prefix, most = values.get("prefix", ""), min(call.number("max-uploads", LARGEST_PAGE, 1), LARGEST_PAGE)
    after = values.get("key-marker", ""), values.get("upload-id-marker", "")
    found = await call.waiting(lambda: list_multiparts(call.ground.inbox, call.user, prefix, after, most))
    last = found.uploads[-1] if found.truncated else None
    head = elements(
        ("Bucket", call.request.bucket),
        ("KeyMarker", _spelled(call, after[0])),
        ("UploadIdMarker", after[1]),
        ("NextKeyMarker", None if last is None else _spelled(call, last.path)),
        ("NextUploadIdMarker", None if last is None else last.file_id),
        ("Prefix", _spelled(call, prefix)),
        ("MaxUploads", most),
        ("IsTruncated", found.truncated),
        ("EncodingType", call.request.values.get("encoding-type")),
    )
    uploads = (
        (
            "Upload",
            (
                ("Key", _spelled(call, upload.path)),
                ("UploadId", upload.file_id),
                ("Initiator", _OWNER),
                ("Owner", _OWNER),
                ("StorageClass", "STANDARD"),
                ("Initiated", _iso(upload.begun)),
            ),
        )
        for upload in found.uploads
    )
    return xml_response("ListMultipartUploadsResult", [*head, *uploads])


async def list_parts(call: Call) -> Response:
    """List the parts that the store has of an upload."""
    path, upload_id = call.path, call.request.values["uploadId"]
    most = min(call.number("max-parts", LARGEST_PAGE, 1), LARGEST_PAGE)
    marker = call.number("part-number-marker", 0)
    inbox = call.ground.inbox

    def stored() -> list[Part]:
        upload = find_upload(inbox, call.user, path, upload_id)
        try:
            return inbox.store.list_parts(upload.file.id, str(upload.upload_id))
        except UploadMissing:
            raise no_such_upload() from None

    behind = [part for part in await call.waiting(stored) if part.number > marker]
    page = behind[:most]
    head = elements(
        ("Bucket", call.request.bucket),
        ("Key", path),
        ("UploadId", upload_id),
        ("Initiator", _OWNER),
        ("Owner", _OWNER),
        ("StorageClass", "STANDARD"),
        ("PartNumberMarker", marker),
        ("NextPartNumberMarker", page[-1].number if page else marker),
        ("MaxParts", most),
        ("IsTruncated", len(behind) > most),
    )
    return xml_response("ListPartsResult", [*head, *(("Part", _part(part)) for part in page)])


def _wanted(call: Call, after: str) -> Wanted:
    values = call.request.values
    if values.get("encoding-type", "url") != "url":
        raise S3Error("InvalidArgument", "encoding-type is url or nothing")
    most = min(call.number("max-keys", LARGEST_PAGE), LARGEST_PAGE)
    return Wanted(values.get("prefix", ""), values.get("delimiter", ""), after, most)


async def _page(call: Call, wanted: Wanted) -> Page:
    if not wanted.most:
        return Page()
    return await call.waiting(lambda: list_page(call.ground.inbox, call.user, wanted))


def _listed(call: Call, wanted: Wanted, page: Page, described: Iterable[Element]) -> Response:
    head = elements(
        ("Name", call.request.bucket),
        ("Prefix", _spelled(call, wanted.prefix)),
        ("Delimiter", _spelled(call, wanted.delimiter) if wanted.delimiter else None),
        ("MaxKeys", wanted.most),
        ("EncodingType", call.request.values.get("encoding-type")),
        ("IsTruncated", page.truncated),
    )
    files = (("Contents", _content(call, file)) for file in page.files)
    folders = (("CommonPrefixes", (("Prefix", _spelled(call, folder)),)) for folder in page.folders)
    return xml_response("ListBucketResult", [*head, *described, *files, *folders])


def _content(call: Call, file: Listed) -> Iterator[Element]:
    return elements(
        ("Key", _spelled(call, file.path)),
        ("LastModified", _iso(file.at)),
        ("ETag", _etag(file)),
        ("Size", file.size),
        ("StorageClass", "STANDARD"),
        ("Owner", _OWNER),
    )


def _part(part: Part) -> Content:
    return (("PartNumber", part.number), ("ETag", f'"{part.etag}"'), ("Size", part.size))


def _spelled(call: Call, text: str) -> str:
    """Write a name as the client wants to have it."""
    return quote(text, safe="/-._~") if "encoding-type" in call.request.values else text


def _etag(file: Listed) -> str:
    """Return the tag; one that nobody takes for an MD5 where there is none."""
    return f'"{file.tag or f"{int(file.at.timestamp() * 1000):x}-{file.size:x}"}"'


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _token(last: str) -> str:
    return base64.urlsafe_b64encode(last.encode()).decode()


def _read_token(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise S3Error("InvalidArgument", "continuation-token is the NextContinuationToken of the page before") from None
