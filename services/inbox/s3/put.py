"""PutObject and UploadPart: the byte routes."""

import asyncio
import hashlib
from contextlib import suppress

from starlette.responses import Response

from services.inbox.metrics import UPLOADS
from services.inbox.paths import sidecar_algorithm
from services.inbox.s3.begin import check_key_place
from services.inbox.s3.body import IncomingBody
from services.inbox.s3.calls import Call
from services.inbox.s3.errors import S3Error
from services.inbox.s3.give_up import give_up
from services.inbox.s3.parts import LARGEST_PART, check_part, note_part
from services.inbox.s3.payload import Payload
from services.inbox.s3.single import begin_single, finish_single
from services.inbox.sidecars import MAX_SIZE, check_sidecar_place, keep_sidecar
from shared.errors import StrongroomError
from shared.identifiers import FileId


async def put_object(call: Call) -> Response:
    """Take a file in one piece: streamed to the store, hashed on the way, told once it is safe."""
    payload, path = call.payload(), call.path
    if payload.size > LARGEST_PART:
        raise S3Error("EntityTooLarge", "5 GiB at most come in one piece: send the file in parts")
    if sidecar_algorithm(path):
        return await _put_sidecar(call, path, payload)
    with call.ground.admission.one_more(call.user):
        single = await begin_single(call.ground, call.user, path, payload.size)
        body = call.body(payload, sha256=True, start=True)
        try:
            tag = await call.ground.sink.put(single.file.id, body)
            await finish_single(call.ground, single, body.size, body.sha256, tag)
        except BaseException:
            await _give_up(call, single.file.id)
            raise
    UPLOADS.labels("finished").inc()
    return _stored(tag, body)


async def upload_part(call: Call) -> Response:
    """Take a part: streamed to the store, where it is a part of the store's own upload."""
    payload, path = call.payload(), call.path
    number, upload_id = call.number("partNumber", 0), call.request.values["uploadId"]
    inbox = call.ground.inbox
    with call.ground.admission.one_more(call.user):
        upload = await call.waiting(
            lambda: check_part(inbox, call.user, path, upload_id, number=number, size=payload.size)
        )
        body = call.body(payload, start=number == 1)
        tag = await call.ground.sink.put_part(upload.file.id, str(upload.upload_id), number, body)
        await call.waiting(lambda: note_part(inbox, upload, body.size))
    return _stored(tag, body)


async def _put_sidecar(call: Call, path: str, payload: Payload) -> Response:
    if payload.size > MAX_SIZE:
        raise S3Error("EntityTooLarge", f"a checksum file has {MAX_SIZE} bytes at most")
    inbox = call.ground.inbox
    await call.waiting(lambda: check_sidecar_place(inbox, call.user, path, check_key_place))
    body = call.body(payload)
    content = await body.whole()
    await call.waiting(lambda: keep_sidecar(inbox, call.user, path, content, check_key_place))
    return _stored(hashlib.md5(content, usedforsecurity=False).hexdigest(), body)


def _stored(tag: str, body: IncomingBody) -> Response:
    headers = {"ETag": f'"{tag}"'}
    if body.checksum is not None:
        name, value = body.checksum
        headers[name] = value
    return Response(headers=headers)


async def _give_up(call: Call, file_id: FileId) -> None:
    """Take back what was begun, also when this very request is being cancelled."""
    reason = "the upload was not whole or not right"
    with suppress(StrongroomError):  # the reconciler does it later
        await asyncio.shield(call.waiting(lambda: give_up(call.ground.inbox, file_id, reason)))
