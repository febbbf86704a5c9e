"""An object store on any server that speaks S3."""

import io
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import cast

from minio import Minio
from minio.commonconfig import CopySource
from minio.error import S3Error

from shared.errors import StrongroomError
from shared.storage.bodies import ExpectedBody, check_range
from shared.storage.copying import fill
from shared.storage.errors import (
    IncompleteBody,
    ObjectMissing,
    SourceReplaced,
    StoreRefused,
    StoreUnavailable,
    UploadMissing,
)
from shared.storage.multipart import Body, S3Requests, joined_etag
from shared.storage.parallel import in_order
from shared.storage.port import ObjectStore, Part, Parts, Reader, Stat, UnfinishedUpload, unwrapped
from shared.storage.resuming import Resumed, abort_uploads, resumed
from shared.storage.s3_errors import s3_errors
from shared.storage.s3_http import connections
from shared.storage.s3_objects import S3Objects
from shared.storage.signing import Signer
from shared.storage.sizes import (
    AT_ONCE,
    MAX_PARTS,
    MIN_PART,
    PartSizes,
    Span,
    buffers,
    check_part_number,
    part_size,
    spans,
)

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 120.0


class S3Store:
    """One bucket on an S3 server.

    A body of up to one part goes in one PUT; a longer one in parts, up to four at once, with 64 MiB of it in memory
    (one part where that is larger: see `sizes.buffers`). Nothing is tried again behind the caller's back.

    endpoint: host and port, without a scheme; secure: https. ca_cert: certificates to trust (None: the system's).
    threads: how many threads use this store at once; as many connections are kept.
    connect_seconds, read_seconds: a server that takes longer to accept, or to send the next byte, is unavailable.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        access_key: str,
        secret_key: str,
        bucket: str,
        session_token: str | None = None,
        region: str = "us-east-1",
        secure: bool = True,
        ca_cert: Path | None = None,
        threads: int = 8,
        part_sizes: PartSizes = PartSizes(),  # noqa: B008 - frozen
        connect_seconds: float = _CONNECT_SECONDS,
        read_seconds: float = _READ_SECONDS,
    ) -> None:
        self._bucket = bucket
        self._account = (secure, endpoint, access_key)
        self._sizes = part_sizes
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"parts-{bucket}")
        kept = threads + AT_ONCE + 2
        http = connections(kept, ca_cert, connect_seconds=connect_seconds, read_seconds=read_seconds)
        # with the region given, the client does not ask for it
        self._client = Minio(
            endpoint, access_key, secret_key, session_token, secure=secure, region=region, http_client=http
        )
        self._requests = S3Requests(self._client, bucket)
        self._objects = S3Objects(
            endpoint=endpoint,
            bucket=bucket,
            signer=Signer(
                host=endpoint,
                access_key=access_key,
                secret_key=secret_key,
                region=region,
                session_token=session_token,
            ),
            secure=secure,
            ca_cert=ca_cert,
            kept=kept,
            connect_seconds=connect_seconds,
            read_seconds=read_seconds,
        )

    @property
    def name(self) -> str:
        """Name of the bucket."""
        return self._bucket

    def ensure_bucket(self) -> None:
        """Create the bucket if it is missing."""
        with s3_errors():
            if self._client.bucket_exists(self._bucket):
                return
            try:
                self._client.make_bucket(self._bucket)
            except S3Error as error:
                if error.code != "BucketAlreadyOwnedByYou":
                    raise

    def check(self) -> None:
        """Ask the server for the bucket; a missing one raises StoreRefused."""
        with s3_errors():
            if not self._client.bucket_exists(self._bucket):
                raise StoreRefused("the bucket does not exist")

    def put(self, key: str, source: Reader, size: int) -> Stat:
        """Store exactly `size` bytes of `source`. Raises IncompleteBody."""
        if size <= self._sizes.upload:
            body = memoryview(bytearray(size))
            fill(source, body)
            return Stat(size, self._objects.put(key, body))
        with self._upload(key) as upload_id:
            step = part_size(size, self._sizes.upload)
            tasks = self._part_puts(key, upload_id, source, size)
            return self.complete_upload(key, upload_id, in_order(self._pool, tasks, at_once=buffers(step)))

    @contextmanager
    def open(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[Reader]:
        """Read a range of an object. Raises ObjectMissing."""
        check_range(offset, length)
        if length == 0:
            self.stat(key)
            yield io.BytesIO()
            return
        with self._objects.get(key, offset, length) as body:
            yield io.BytesIO() if body.is_empty else ExpectedBody(body, body.length)

    def stat(self, key: str) -> Stat:
        """Size and tag of an object. Raises ObjectMissing."""
        with s3_errors():
            found = self._client.stat_object(self._bucket, key)
        return Stat(cast("int", found.size), cast("str", found.etag))

    def delete(self, key: str) -> None:
        """Remove an object; a missing one is fine."""
        with suppress(ObjectMissing), s3_errors():
            self._client.remove_object(self._bucket, key)

    def list(self, prefix: str = "") -> Iterator[str]:
        """Keys that start with `prefix`, in the order of their bytes."""
        with s3_errors():
            for found in self._client.list_objects(self._bucket, prefix, recursive=True):
                yield cast("str", found.object_name)

    def can_copy_from(self, source: ObjectStore) -> bool:
        """Tell whether `source` is a bucket of the same account on the same server."""
        inner = unwrapped(source)
        return isinstance(inner, S3Store) and inner._account == self._account

    def copy_range(
        self, source: ObjectStore, source_key: str, offset: int, length: int, key: str, *, head: bytes = b""
    ) -> Stat:
        """Copy a range on the server, in parts of 256 MiB or more, four at once; a whole object of one part in one go.

        With a head, the first part is sent, 5 MiB of the range in it: no part but the last may be smaller. All parts
        come from the same object: one that is replaced meanwhile raises SourceReplaced. Amazon S3 copies ranges out
        of objects above 5 MB only.
        """
        check_range(offset, length)
        if not self.can_copy_from(source):
            raise ValueError("this store cannot copy from the other one")
        size, etag = source.stat(source_key)
        if offset + length > size:
            raise IncompleteBody("the range reaches past the end of the source")
        first = min(length, MIN_PART) if head else 0
        sent = _beginning(head, source, source_key, offset, first)
        if first == length:
            return Stat(len(sent), self._objects.put(key, sent))
        origin = CopySource(source.name, source_key, match_etag=etag)
        if not head and length == size <= self._sizes.copy:
            self._requests.copy(key, origin)
            return self._made(key, length)
        rest = list(self._rest(offset + first, length - first, behind=bool(head)))
        plan = {span.number: span.length for span in rest} | ({1: len(sent)} if head else {})
        with resumed(self, key, plan) as upload:
            parts = self._part_copies(key, upload, origin, rest)
            if head:
                parts.append(self._requests.put_part(key, upload.upload_id, 1, sent))
            if source.stat(source_key).etag != etag:
                # Ceph does not heed the condition on the tag when it copies a part
                raise SourceReplaced
            return self.complete_upload(key, upload.upload_id, parts)

    def presigned_get(self, key: str, expires: timedelta) -> str:
        """Return a URL that reads the object for a while, from 1 second to 7 days."""
        with s3_errors():
            return self._client.presigned_get_object(self._bucket, key, expires)

    def start_upload(self, key: str) -> str:
        """Begin an upload in parts and return its id."""
        return self._requests.start(key)

    def put_part(self, key: str, upload_id: str, number: int, body: Body) -> Part:
        """Store a part, or replace it. Raises UploadMissing."""
        check_part_number(number)
        return self._requests.put_part(key, upload_id, number, body)

    def list_parts(self, key: str, upload_id: str) -> Parts:
        """Parts stored so far, by number. Raises UploadMissing."""
        return self._requests.parts(key, upload_id)

    def complete_upload(self, key: str, upload_id: str, parts: Sequence[Part]) -> Stat:
        """Make the object of these parts; a repeated call is known by the object's tag. Raises UploadMissing."""
        ordered = sorted(parts)
        try:
            self._requests.complete(key, upload_id, ordered)
        except UploadMissing:
            with suppress(ObjectMissing):
                found = self.stat(key)
                if found.etag == joined_etag(ordered):
                    return found
            raise
        return self._made(key, sum(part.size for part in ordered))

    def abort_upload(self, key: str, upload_id: str) -> None:
        """Drop an upload and its parts; a missing one is fine."""
        self._requests.abort(key, upload_id)

    def unfinished_uploads(self, key: str | None = None) -> Iterator[UnfinishedUpload]:
        """Uploads that were started, and neither completed nor aborted: those of one key, or all."""
        return (upload for upload in self._requests.uploads(prefix=key) if key in {None, upload.key})

    @contextmanager
    def _upload(self, key: str) -> Iterator[str]:
        """Start an upload, and abort it if the block fails; what a killed process left of this object goes first."""
        abort_uploads(self, key)
        upload_id = self._requests.start(key)
        try:
            yield upload_id
        except UploadMissing as error:
            raise StoreUnavailable("someone else has ended the upload") from error
        except BaseException:
            with suppress(StrongroomError):
                self._requests.abort(key, upload_id)
            raise

    def _part_puts(self, key: str, upload_id: str, source: Reader, size: int) -> Iterator[Callable[[], Part]]:
        """Read the parts of `source` one by one into a ring of buffers; see `in_order` for why that is safe."""
        step = part_size(size, self._sizes.upload)
        ring: deque[memoryview] = deque(maxlen=buffers(step))
        for number, _, length in spans(0, size, step):
            buffer = ring[0] if len(ring) == ring.maxlen else memoryview(bytearray(step))
            ring.append(buffer)
            fill(source, buffer[:length])
            yield partial(self._requests.put_part, key, upload_id, number, buffer[:length])

    def _rest(self, offset: int, length: int, *, behind: bool) -> Iterator[Span]:
        """Cut what is copied into parts; `behind`: it is behind a first part."""
        step = part_size(length, self._sizes.copy, parts=MAX_PARTS - behind)
        return (span._replace(number=span.number + behind) for span in spans(offset, length, step))

    def _part_copies(self, key: str, upload: Resumed, origin: CopySource, spans: Sequence[Span]) -> Parts:
        """Copy the parts that are missing, and return those of all spans."""
        copy = partial(self._requests.copy_part, key, upload.upload_id, origin)
        missing = (partial(copy, span) for span in spans if span.number not in upload.kept)
        kept = [upload.kept[span.number] for span in spans if span.number in upload.kept]
        return [*kept, *in_order(self._pool, missing, at_once=AT_ONCE)]

    def _made(self, key: str, size: int) -> Stat:
        """Ask for what was made of parts: not every server tells its tag (Ceph), and its size is the proof."""
        found = self.stat(key)
        if found.size != size:
            raise StoreUnavailable(f"the store made an object of {found.size} instead of {size} bytes")
        return found


def _beginning(head: bytes, source: ObjectStore, source_key: str, offset: int, length: int) -> memoryview:
    """Read the first bytes of a range behind `head`."""
    sent = memoryview(bytearray(len(head) + length))
    sent[: len(head)] = head
    if length:
        with source.open(source_key, offset, length) as body:
            fill(body, sent[len(head) :])
    return sent
