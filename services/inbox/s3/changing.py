"""The operations that change something without a body of a file: multipart uploads, and removals."""

from starlette.responses import Response

from services.inbox.errors import NotThere
from services.inbox.remove import remove
from services.inbox.s3.begin import begin_multipart
from services.inbox.s3.calls import Call
from services.inbox.s3.complete import complete
from services.inbox.s3.errors import S3Error, as_s3
from services.inbox.s3.give_up import give_up
from services.inbox.s3.keys import object_path
from services.inbox.s3.parts import find_upload
from services.inbox.s3.xml import LONGEST, Element, read_keys, read_parts, xml_response
from shared.errors import StrongroomError

_MOST_KEYS = 1000


async def create_multipart_upload(call: Call) -> Response:
    """Begin an upload in parts."""
    path = call.path
    file_id = await call.waiting(lambda: begin_multipart(call.ground.inbox, call.user, path))
    content = (("Bucket", call.request.bucket), ("Key", path), ("UploadId", file_id))
    return xml_response("InitiateMultipartUploadResult", content)


async def complete_multipart_upload(call: Call) -> Response:
    """Make a file of parts."""
    path, upload_id = call.path, call.request.values["uploadId"]
    wanted = read_parts(await call.document(LONGEST))
    tag = await call.waiting(lambda: complete(call.ground.inbox, call.user, path, upload_id, wanted))
    location = f"{'https' if call.request.secure else 'http'}://{call.request.header('host')}{call.request.path}"
    content = (("Location", location), ("Bucket", call.request.bucket), ("Key", path), ("ETag", f'"{tag}"'))
    return xml_response("CompleteMultipartUploadResult", content)


async def abort_multipart_upload(call: Call) -> Response:
    """Give an upload in parts up."""
    path, upload_id = call.path, call.request.values["uploadId"]

    def abort() -> None:
        upload = find_upload(call.ground.inbox, call.user, path, upload_id)
        give_up(call.ground.inbox, upload.file.id, "given up by the submitter")

    await call.waiting(abort)
    return Response(status_code=204)


async def delete_object(call: Call) -> Response:
    """Remove a file that is not in the archive yet; one that is not there is fine, as S3 has it."""
    path = call.path
    await call.waiting(lambda: _remove(call, path))
    return Response(status_code=204)


async def delete_objects(call: Call) -> Response:
    """Remove several files, and tell what became of each."""
    keys, quiet = read_keys(await call.document(LONGEST))
    if not 1 <= len(keys) <= _MOST_KEYS:
        raise S3Error("MalformedXML", f"1 to {_MOST_KEYS} files are removed at once")
    told = await call.waiting(lambda: [_removed(call, key) for key in keys])
    return xml_response("DeleteResult", [element for element in told if not quiet or element[0] == "Error"])


def _remove(call: Call, path: str) -> None:
    try:
        remove(call.ground.inbox, call.user, path, archived=False)
    except NotThere:
        return


def _removed(call: Call, key: str) -> Element:
    try:
        _remove(call, object_path(key))
    except StrongroomError as error:
        told = as_s3(error)
        return "Error", (("Key", key), ("Code", told.code), ("Message", f"{key}: {told}"))
    return "Deleted", (("Key", key),)
