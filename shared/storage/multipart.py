"""S3 requests that the `minio` client keeps private: every use of its underscore methods is in this file.

The client's version is pinned below its next major release, and the contract suite runs each of these calls.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import cast

from minio import Minio
from minio.commonconfig import CopySource
from minio.datatypes import ListMultipartUploadsResult, ListPartsResult, parse_copy_object
from minio.datatypes import Part as MinioPart
from minio.helpers import DictType

from shared.storage.errors import ObjectMissing, StoreUnavailable, UploadMissing
from shared.storage.port import Part, Parts, UnfinishedUpload
from shared.storage.s3_errors import s3_errors
from shared.storage.sizes import Span

_MD5 = re.compile("[0-9a-f]{32}")
_OCTETS = "application/octet-stream"
Body = bytes | bytearray | memoryview


class S3Requests:
    """Single requests to one bucket; each raises ObjectMissing, UploadMissing, StoreUnavailable or StoreRefused.

    The client signs the SHA-256 of every body over http, and sends its MD5 over https: the store checks what it gets.
    """

    def __init__(self, client: Minio, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    @s3_errors()
    def copy(self, key: str, source: CopySource) -> None:
        """Copy a whole object of 5 GiB or less."""
        headers: DictType = {
            **source.gen_copy_headers(),
            "x-amz-metadata-directive": "REPLACE",
            "Content-Type": _OCTETS,
        }
        with _whole_answer():
            # the public copy_object would ask for the size once more
            parse_copy_object(self._client._execute("PUT", self._bucket, key, headers=headers))

    @s3_errors()
    def start(self, key: str) -> str:
        """Begin an upload and return its id."""
        return self._client._create_multipart_upload(self._bucket, key, {})

    @s3_errors()
    def put_part(self, key: str, upload_id: str, number: int, body: Body) -> Part:
        """Store one part."""
        octets = _octets(body)
        etag = self._client._upload_part(self._bucket, key, octets, None, upload_id, number)
        return Part(number, len(octets), etag)

    @s3_errors()
    def copy_part(self, key: str, upload_id: str, source: CopySource, span: Span) -> Part:
        """Make one part of a range of another object."""
        last = span.offset + span.length - 1
        headers: DictType = {**source.gen_copy_headers(), "x-amz-copy-source-range": f"bytes={span.offset}-{last}"}
        with _whole_answer():
            etag, _ = self._client._upload_part_copy(self._bucket, key, upload_id, span.number, headers)
        return Part(span.number, span.length, etag)

    def complete(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        """Make the object of the parts, which are in the order of their numbers."""
        try:
            self._complete(key, upload_id, parts)
        except StoreUnavailable:
            # Ceph answers 500 for an upload that is not there, so ask; this raises UploadMissing
            self._parts_page(key, upload_id, None)
            raise

    @s3_errors()
    def _complete(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        listed = [MinioPart(part.number, part.etag) for part in parts]
        result = self._client._complete_multipart_upload(self._bucket, key, upload_id, listed)
        if not result.object_name:
            # an error found after the status line was sent comes with status 200 (S3 API, CompleteMultipartUpload)
            raise StoreUnavailable("the store did not complete the upload")

    def abort(self, key: str, upload_id: str) -> None:
        """Drop an upload; a missing one is fine."""
        with suppress(UploadMissing, ObjectMissing), s3_errors():
            self._client._abort_multipart_upload(self._bucket, key, upload_id)

    def parts(self, key: str, upload_id: str) -> Parts:
        """List the parts stored so far."""
        found: Parts = []
        marker: str | None = None
        while True:
            page = self._parts_page(key, upload_id, marker)
            found.extend(Part(part.part_number, part.size or 0, part.etag) for part in page.parts)
            marker = page.next_part_number_marker
            if not page.is_truncated:
                return found

    def uploads(self, prefix: str | None = None) -> Iterator[UnfinishedUpload]:
        """List the unfinished uploads of the bucket, or those of keys that start with `prefix`."""
        key: str | None = None
        upload_id: str | None = None
        while True:
            page = self._uploads_page(prefix, key, upload_id)
            for upload in page.uploads:
                # the client loses NextUploadIdMarker; by the S3 API the last upload of the page is the same marker
                key, upload_id = upload.object_name, cast("str", upload.upload_id)
                yield UnfinishedUpload(key, upload_id, cast("datetime", upload.initiated_time))
            if not page.is_truncated:
                return

    def _parts_page(self, key: str, upload_id: str, marker: str | None) -> ListPartsResult:
        try:
            with s3_errors():
                return self._client._list_parts(self._bucket, key, upload_id, part_number_marker=marker)
        except ObjectMissing as error:
            # Ceph names the object, not the upload, as what is missing
            raise UploadMissing from error

    @s3_errors()
    def _uploads_page(self, prefix: str | None, key: str | None, upload_id: str | None) -> ListMultipartUploadsResult:
        return self._client._list_multipart_uploads(
            self._bucket, prefix=prefix, key_marker=key, upload_id_marker=upload_id
        )


def _octets(body: Body) -> bytes:
    """Type any buffer as the bytes that the client asks for: it hashes and sends all of them alike, without a copy."""
    return cast("bytes", memoryview(body).cast("B"))


@contextmanager
def _whole_answer() -> Iterator[None]:
    """Take an answer of status 200 without an ETag for what it is: a copy that failed half-way (S3 API, CopyObject)."""
    try:
        yield
    except ValueError as error:
        raise StoreUnavailable("the store did not finish the copy") from error


def joined_etag(parts: Sequence[Part]) -> str:
    """Compute the tag that S3 gives to an object of these parts; empty if the store has tags of another kind."""
    if not all(_MD5.fullmatch(part.etag) for part in parts):
        return ""
    digests = b"".join(bytes.fromhex(part.etag) for part in parts)
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
