"""Which operation a request asks for; what is not in the table is not for submitters."""

from enum import StrEnum

from services.inbox.s3.errors import S3Error
from services.inbox.s3.requests import S3Request


class Operation(StrEnum):
    """The operations of S3 that the inbox has, by their names in its API reference."""

    LIST_BUCKETS = "ListBuckets"
    HEAD_BUCKET = "HeadBucket"
    CREATE_BUCKET = "CreateBucket"
    GET_BUCKET_LOCATION = "GetBucketLocation"
    LIST_OBJECTS = "ListObjects"
    LIST_OBJECTS_V2 = "ListObjectsV2"
    LIST_MULTIPART_UPLOADS = "ListMultipartUploads"
    DELETE_OBJECTS = "DeleteObjects"
    PUT_OBJECT = "PutObject"
    HEAD_OBJECT = "HeadObject"
    DELETE_OBJECT = "DeleteObject"
    CREATE_MULTIPART_UPLOAD = "CreateMultipartUpload"
    UPLOAD_PART = "UploadPart"
    COMPLETE_MULTIPART_UPLOAD = "CompleteMultipartUpload"
    ABORT_MULTIPART_UPLOAD = "AbortMultipartUpload"
    LIST_PARTS = "ListParts"


_O = Operation
_PAGES = frozenset({"prefix", "delimiter", "max-keys", "encoding-type"})
_MARKERS = frozenset({"max-uploads", "key-marker", "upload-id-marker"})
_NONE: frozenset[str] = frozenset()

_TABLE: dict[tuple[str, str], tuple[tuple[Operation, frozenset[str], frozenset[str]], ...]] = {
    ("service", "GET"): ((_O.LIST_BUCKETS, _NONE, frozenset({"max-buckets", "prefix"})),),
    ("bucket", "HEAD"): ((_O.HEAD_BUCKET, _NONE, _NONE),),
    ("bucket", "PUT"): ((_O.CREATE_BUCKET, _NONE, _NONE),),
    ("bucket", "GET"): (
        (_O.GET_BUCKET_LOCATION, frozenset({"location"}), _NONE),
        (_O.LIST_MULTIPART_UPLOADS, frozenset({"uploads"}), _PAGES | _MARKERS),
        (
            _O.LIST_OBJECTS_V2,
            frozenset({"list-type"}),
            _PAGES | {"fetch-owner", "start-after", "continuation-token"},
        ),
        (_O.LIST_OBJECTS, _NONE, _PAGES | {"marker"}),
    ),
    ("bucket", "POST"): ((_O.DELETE_OBJECTS, frozenset({"delete"}), _NONE),),
    ("object", "PUT"): (
        (_O.UPLOAD_PART, frozenset({"partNumber", "uploadId"}), _NONE),
        (_O.PUT_OBJECT, _NONE, _NONE),
    ),
    ("object", "HEAD"): ((_O.HEAD_OBJECT, _NONE, _NONE),),
    ("object", "GET"): ((_O.LIST_PARTS, frozenset({"uploadId"}), frozenset({"max-parts", "part-number-marker"})),),
    ("object", "POST"): (
        (_O.CREATE_MULTIPART_UPLOAD, frozenset({"uploads"}), _NONE),
        (_O.COMPLETE_MULTIPART_UPLOAD, frozenset({"uploadId"}), _NONE),
    ),
    ("object", "DELETE"): (
        (_O.ABORT_MULTIPART_UPLOAD, frozenset({"uploadId"}), _NONE),
        (_O.DELETE_OBJECT, _NONE, _NONE),
    ),
}
"""For a place and a method: operation, names that the query must have, names that it may have besides."""

_SIGNING = "x-amz-"


def operation_of(request: S3Request) -> Operation:
    """Return what a request asks for. Raises S3Error for all that the inbox has not, without naming what there is."""
    place = "object" if request.key else "bucket" if request.bucket else "service"
    asked = {name for name, _ in request.query if name != "x-id" and not name.lower().startswith(_SIGNING)}
    for operation, needed, allowed in _TABLE.get((place, request.method), ()):
        if needed <= asked <= needed | allowed:
            if "x-amz-copy-source" in request.headers:
                break
            return operation
    raise S3Error(
        "AccessDenied",
        "the inbox takes uploads, lists and deletes them; it gives out no file, and neither copies nor configures: "
        "download released files from the archive's download side",
    )
