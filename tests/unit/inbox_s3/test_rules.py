"""Keys, operations, XML, checksums and payloads: what is taken, and what is refused with which code."""

import base64
import hashlib
import zlib

import pytest

from services.inbox.s3.checksums import ALGORITHMS, encoded
from services.inbox.s3.errors import S3Error
from services.inbox.s3.keys import object_path
from services.inbox.s3.operations import Operation, operation_of
from services.inbox.s3.payload import read_payload
from services.inbox.s3.requests import S3Request
from services.inbox.s3.xml import read_keys, read_parts


def request(method: str, path: str, *query: str, **headers: str) -> S3Request:
    pairs = tuple((name, value) for name, _, value in (item.partition("=") for item in query))
    return S3Request(
        method, path, pairs, {name.replace("_", "-"): value for name, value in headers.items()}, secure=False
    )


@pytest.mark.parametrize("key", ["a.c4gh", "a/b/c.c4gh", "æøå/x y.c4gh", "a-b_c~1.c4gh", ".hidden"])
def test_key_is_the_path(key: str) -> None:
    assert object_path(key) == key


def test_backslashes_of_windows_are_slashes() -> None:
    assert object_path("a\\b.c4gh") == "a/b.c4gh"


@pytest.mark.parametrize(
    ("key", "code"),
    [
        *((f"a{sign}b", "InvalidArgument") for sign in "<>\"|!*'();:@&=+$,?%#[]\n\x7f"),
        *((key, "InvalidArgument") for key in ("/a", "a/", "a//b", "./a", "a/../b", "..", "a\\b/c", "x" * 256)),
        ("a/" * 600, "KeyTooLongError"),
    ],
)
def test_key_that_is_no_path_is_refused(key: str, code: str) -> None:
    with pytest.raises(S3Error) as caught:
        object_path(key)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("asked", "operation"),
    [
        (request("GET", "/"), Operation.LIST_BUCKETS),
        (request("HEAD", "/ann"), Operation.HEAD_BUCKET),
        (request("GET", "/ann", "location"), Operation.GET_BUCKET_LOCATION),
        (request("GET", "/ann/"), Operation.LIST_OBJECTS),
        (request("GET", "/ann", "prefix=a", "marker=b", "delimiter=/"), Operation.LIST_OBJECTS),
        (request("GET", "/ann", "list-type=2", "prefix=a"), Operation.LIST_OBJECTS_V2),
        (request("GET", "/ann", "uploads"), Operation.LIST_MULTIPART_UPLOADS),
        (request("POST", "/ann", "delete"), Operation.DELETE_OBJECTS),
        (request("PUT", "/ann/a"), Operation.PUT_OBJECT),
        (request("PUT", "/ann/a", "x-id=PutObject", "X-Amz-Date=1"), Operation.PUT_OBJECT),
        (request("PUT", "/ann/a", "partNumber=1", "uploadId=x"), Operation.UPLOAD_PART),
        (request("HEAD", "/ann/a"), Operation.HEAD_OBJECT),
        (request("DELETE", "/ann/a"), Operation.DELETE_OBJECT),
        (request("DELETE", "/ann/a", "uploadId=x"), Operation.ABORT_MULTIPART_UPLOAD),
        (request("POST", "/ann/a", "uploads"), Operation.CREATE_MULTIPART_UPLOAD),
        (request("POST", "/ann/a", "uploadId=x"), Operation.COMPLETE_MULTIPART_UPLOAD),
        (request("GET", "/ann/a", "uploadId=x", "max-parts=2"), Operation.LIST_PARTS),
    ],
)
def test_operation_is_told_by_method_place_and_query(asked: S3Request, operation: Operation) -> None:
    assert operation_of(asked) is operation


@pytest.mark.parametrize(
    "asked",
    [
        request("GET", "/ann/a"),
        request("GET", "/ann/a", "versionId=1"),
        request("PUT", "/ann/a", x_amz_copy_source="/bob/a"),
        request("PUT", "/ann/a", "partNumber=1", "uploadId=x", x_amz_copy_source="/bob/a"),
        request("PUT", "/ann/a", "tagging"),
        request("PUT", "/ann/a", "acl"),
        request("GET", "/ann/a", "acl"),
        request("POST", "/ann/a", "restore"),
        request("POST", "/ann/a", "select", "select-type=2"),
        request("DELETE", "/ann"),
        request("DELETE", "/ann/a", "tagging"),
        *(
            request(method, "/ann", word)
            for method in ("GET", "PUT", "DELETE")
            for word in ("policy", "acl", "versioning", "lifecycle", "cors", "encryption", "notification", "tagging")
        ),
        request("GET", "/ann", "versions"),
        request("OPTIONS", "/ann/a"),
        request("POST", "/ann"),
    ],
)
def test_everything_else_is_denied(asked: S3Request) -> None:
    with pytest.raises(S3Error) as caught:
        operation_of(asked)
    assert caught.value.code == "AccessDenied"


def test_parts_are_read_with_and_without_a_namespace() -> None:
    inner = (
        '<Part><PartNumber>1</PartNumber><ETag>"ab"</ETag></Part><Part><ETag>cd</ETag><PartNumber>2</PartNumber></Part>'
    )
    for attribute in ("", ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'):
        document = f"<CompleteMultipartUpload{attribute}>{inner}</CompleteMultipartUpload>"
        assert read_parts(document.encode()) == [(1, "ab"), (2, "cd")]


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<a/>",
        b"<CompleteMultipartUpload>",
        b"<CompleteMultipartUpload><Part><PartNumber>x</PartNumber><ETag/></Part></CompleteMultipartUpload>",
        b"<CompleteMultipartUpload><Part><ETag>a</ETag></Part></CompleteMultipartUpload>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><CompleteMultipartUpload/>',
    ],
)
def test_damaged_xml_is_refused(document: bytes) -> None:
    with pytest.raises(S3Error) as caught:
        read_parts(document)
    assert caught.value.code == "MalformedXML"


def test_keys_to_delete_are_read() -> None:
    document = b"<Delete><Quiet>true</Quiet><Object><Key>a/b</Key></Object><Object><Key>c</Key></Object></Delete>"
    assert read_keys(document) == (["a/b", "c"], True)


def test_checksums_are_those_of_the_standards() -> None:
    # check values of the CRC catalogue for "123456789"
    expected = {"crc32": 0xCBF43926, "crc32c": 0xE3069283, "crc64nvme": 0xAE8B14860A799888}
    for name, value in expected.items():
        hasher = ALGORITHMS[name]()
        hasher.update(memoryview(b"12345"))
        hasher.update(memoryview(b"6789"))
        assert int.from_bytes(hasher.digest(), "big") == value
    assert ALGORITHMS["crc32"]().digest() == zlib.crc32(b"").to_bytes(4, "big")
    assert encoded(hashlib.sha256(b"").digest()) == base64.b64encode(hashlib.sha256(b"").digest()).decode()


@pytest.mark.parametrize(
    ("mode", "headers", "code"),
    [
        ("UNSIGNED-PAYLOAD", {}, "MissingContentLength"),
        ("UNSIGNED-PAYLOAD", {"content_length": "x"}, "InvalidArgument"),
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", {"content_length": "5"}, "MissingContentLength"),
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", {"content_length": "5"}, "NotImplemented"),
        ("nonsense", {"content_length": "5"}, "NotImplemented"),
        ("UNSIGNED-PAYLOAD", {"content_length": "5", "content_md5": "!"}, "InvalidDigest"),
        ("UNSIGNED-PAYLOAD", {"content_length": "5", "x_amz_checksum_md4": "!"}, "InvalidRequest"),
        (
            "UNSIGNED-PAYLOAD",
            {"content_length": "5", "x_amz_checksum_sha1": "a", "x_amz_checksum_crc32": "a"},
            "InvalidRequest",
        ),
    ],
)
def test_payload_that_is_not_described_well_is_refused(mode: str, headers: dict[str, str], code: str) -> None:
    with pytest.raises(S3Error) as caught:
        read_payload(request("PUT", "/ann/a", **headers), mode, None)
    assert caught.value.code == code
