"""Signatures: those of real clients are taken, and nothing that was changed, is too old, or leaves something out."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.inbox.s3.errors import S3Error
from services.inbox.s3.requests import S3Request
from services.inbox.s3.sigv4 import check_claim, read_claim
from shared.storage.signing import Signer
from tests.unit.inbox_s3.signing import ACCESS_KEY, SECRET_KEY, now, presigned, signed

URL = "http://inbox.example.org:8090/ann/folder/a%20b~c.c4gh"


def check(request: S3Request, *, secret: str = SECRET_KEY, later: timedelta = timedelta()) -> str:
    claim = read_claim(request)
    assert claim is not None
    assert claim.access_key == ACCESS_KEY
    return check_claim(request, claim, secret, now() + later).signature


def refused(request: S3Request, code: str, *, secret: str = SECRET_KEY, later: timedelta = timedelta()) -> None:
    with pytest.raises(S3Error) as caught:
        check(request, secret=secret, later=later)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "http://inbox.example.org/",
        f"{URL}?partNumber=3&uploadId=a-b",
        "http://h/ann?list-type=2&prefix=a%2Fb%20c&delimiter=%2F&continuation-token=YQ%3D%3D",
        "http://h/ann?uploads=&prefix=%C3%A9",
        "http://h/ann?delete",
    ],
)
def test_requests_of_botocore_are_taken(url: str) -> None:
    assert check(signed("PUT", url, body=b"abc"))
    assert check(presigned("PUT", url))


def test_our_own_requests_to_the_store_are_signed_as_botocore_does() -> None:
    signer = Signer(host="h:1", access_key=ACCESS_KEY, secret_key=SECRET_KEY, region="x")
    headers = signer.headers("PUT", "/inbox/key", "UNSIGNED-PAYLOAD", "partNumber=1")
    request = S3Request("PUT", "/inbox/key", (("partNumber", "1"),), headers, secure=False)
    assert check(request)
    theirs = signed("PUT", "http://h:1/inbox/key?partNumber=1", headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    assert headers.keys() <= theirs.headers.keys()


def test_other_secret_is_refused() -> None:
    refused(signed("PUT", URL), "SignatureDoesNotMatch", secret="x")
    refused(presigned("PUT", URL), "SignatureDoesNotMatch", secret="x")


@pytest.mark.parametrize(
    "change",
    [
        {"method": "DELETE"},
        {"path": "/bob/folder/a b~c.c4gh"},
        {"query": (("partNumber", "1"),)},
    ],
)
def test_changed_request_is_refused(change: dict[str, object]) -> None:
    refused(replace(signed("PUT", URL), **change), "SignatureDoesNotMatch")  # type: ignore[arg-type]


def test_changed_query_of_a_signed_url_is_refused() -> None:
    request = presigned("PUT", URL)
    longer = tuple((name, "6000" if name == "X-Amz-Expires" else value) for name, value in request.query)
    refused(replace(request, query=longer), "SignatureDoesNotMatch")
    refused(replace(request, query=(*request.query, ("partNumber", "1"))), "SignatureDoesNotMatch")


@pytest.mark.parametrize("name", ["x-amz-content-sha256", "host", "x-amz-date"])
def test_changed_header_is_refused(name: str) -> None:
    request = signed("PUT", URL)
    value = request.headers[name]
    other = value[:-2] + ("0" if value[-2] != "0" else "1") + value[-1]
    with pytest.raises(S3Error):
        check(replace(request, headers={**request.headers, name: other}))


def test_header_that_was_added_on_the_way_is_refused() -> None:
    request = signed("PUT", URL)
    refused(replace(request, headers={**request.headers, "x-amz-copy-source": "/bob/a"}), "AccessDenied")


def test_signature_that_leaves_out_the_host_is_refused() -> None:
    request = signed("PUT", URL)
    less = request.headers["authorization"].replace("SignedHeaders=host;", "SignedHeaders=")
    refused(replace(request, headers={**request.headers, "authorization": less}), "AccessDenied")


@pytest.mark.parametrize("minutes", [-16, 16])
def test_clock_that_is_off_is_told(minutes: int) -> None:
    refused(signed("PUT", URL), "RequestTimeTooSkewed", later=timedelta(minutes=minutes))


@pytest.mark.parametrize("minutes", [-14, 14])
def test_clock_that_is_a_little_off_is_forgiven(minutes: int) -> None:
    assert check(signed("PUT", URL), later=timedelta(minutes=minutes))


def test_signed_url_ends_when_it_says() -> None:
    refused(presigned("PUT", URL, seconds=60), "AccessDenied", later=timedelta(seconds=61))
    refused(presigned("PUT", URL), "AccessDenied", later=timedelta(minutes=-16))
    refused(presigned("PUT", URL, seconds=8 * 24 * 3600), "AuthorizationHeaderMalformed")


@pytest.mark.parametrize(
    "authorization",
    [
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=" + "0" * 64,
        "AWS4-HMAC-SHA256 Credential=a/20260101/x/s3/aws4_request, SignedHeaders=host, Signature=short",
        "AWS4-HMAC-SHA256 Credential=a/20260101/x/sts/aws4_request, SignedHeaders=host, Signature=" + "0" * 64,
    ],
)
def test_damaged_authorization_is_never_taken(authorization: str) -> None:
    request = signed("PUT", URL)
    damaged = replace(request, headers={**request.headers, "authorization": authorization})
    with pytest.raises(S3Error) as caught:
        read_claim(damaged)
    assert caught.value.code == "AuthorizationHeaderMalformed"


def test_other_kinds_of_signature_are_none_of_ours() -> None:
    request = signed("PUT", URL)
    other = "AWS4-ECDSA-P256-SHA256 Credential=a/20260101/s3/aws4_request, SignedHeaders=host, Signature=00"
    assert read_claim(replace(request, headers={**request.headers, "authorization": other})) is None


def test_signature_in_headers_and_query_is_refused() -> None:
    request = presigned("PUT", URL)
    refused(replace(request, headers={**request.headers, "authorization": "Bearer x"}), "InvalidRequest")
