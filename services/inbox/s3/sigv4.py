"""Signatures of requests, version 4 (Amazon S3 API Reference, "Authenticating Requests (AWS Signature Version 4)")."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from services.inbox.s3.errors import S3Error
from services.inbox.s3.requests import Pairs, S3Request

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
SKEW = timedelta(minutes=15)
"""Difference of clocks that is forgiven, as Amazon does."""

_LONGEST_LIFE = 7 * 24 * 3600
_TIME = "%Y%m%dT%H%M%SZ"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([^/,\s]+)/([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})"
)
_REGION = re.compile(r"[A-Za-z0-9-]{0,64}")
"""Any will do: s3cmd says `US`, or nothing, where it was not told one."""


class SigningScope(NamedTuple):
    """For what a signing key is good: a day (`20260131`) in a region."""

    day: str
    region: str

    def __str__(self) -> str:
        return f"{self.day}/{self.region}/s3/aws4_request"


@dataclass(frozen=True)
class Claim:
    """What a request says about its signature, not yet checked."""

    access_key: str
    scope: SigningScope
    signed_headers: tuple[str, ...]
    signature: str
    at: str
    payload: str
    """`x-amz-content-sha256`: a digest in hexadecimal, or the name of a mode"""
    seconds: int | None = None
    """how long the URL is good; None for a signature in the headers"""


@dataclass(frozen=True)
class Signed:
    """A signature that was checked, for the signatures of chunks that go on from it."""

    key: bytes = field(repr=False)
    scope: SigningScope
    at: str
    signature: str


def read_claim(request: S3Request) -> Claim | None:
    """Return what the request says about its signature; None if it carries none of this kind. Raises S3Error."""
    if "X-Amz-Signature" in request.values:
        return _presigned(request)
    authorization = request.header("authorization")
    if authorization is None or not authorization.startswith(ALGORITHM):
        return None
    found = _AUTHORIZATION.fullmatch(authorization.strip())
    if found is None:
        raise S3Error("AuthorizationHeaderMalformed", "the Authorization header is not as signature version 4 has it")
    payload = request.header("x-amz-content-sha256")
    at = request.header("x-amz-date")
    if payload is None or at is None:
        raise S3Error("InvalidRequest", "a signed request has the headers x-amz-date and x-amz-content-sha256")
    names = tuple(found[3].split(";"))
    return Claim(found[1], _scope(found[2]), names, found[4], at, payload)


def check_claim(request: S3Request, claim: Claim, secret: str, at: datetime) -> Signed:
    """Return the signature if it is by the holder of `secret`, of this request and of this time. Raises S3Error."""
    _check_time(claim, at)
    _check_names(request, claim)
    key = signing_key(secret, claim.scope)
    query = tuple(pair for pair in request.query if pair[0] != "X-Amz-Signature")
    headers = {name: request.headers[name] for name in claim.signed_headers}
    canonical = canonical_request(request.method, request.path, query, headers, claim.payload)
    signature = sign(key, ALGORITHM, claim.at, claim.scope, _sha256(canonical))
    if not hmac.compare_digest(signature, claim.signature):
        raise S3Error(
            "SignatureDoesNotMatch",
            "the signature is not by this access key and of this request: check the secret key, and that nothing on "
            "the way changes requests",
        )
    return Signed(key, claim.scope, claim.at, signature)


def canonical_request(method: str, path: str, query: Pairs, headers: Mapping[str, str], payload: str) -> str:
    """Return the text of which the digest is signed; `path` and `query` are decoded, `headers` those that are signed.

    The names of the headers are in lower case and sorted.
    """
    lines = (f"{name}:{' '.join(value.split())}" for name, value in headers.items())
    asked = sorted((uri_encoded(name), uri_encoded(value)) for name, value in query)
    return "\n".join((
        method,
        uri_encoded(path, safe="/"),
        "&".join(f"{name}={value}" for name, value in asked),
        *lines,
        "",
        ";".join(headers),
        payload,
    ))  # fmt: skip


def sign(key: bytes, kind: str, at: str, scope: SigningScope, *texts: str) -> str:
    """Return the signature, in hexadecimal, of a text that begins with kind, time and scope."""
    return hmac.digest(key, "\n".join((kind, at, str(scope), *texts)).encode(), "sha256").hex()


@lru_cache(1024)
def signing_key(secret: str, scope: SigningScope) -> bytes:
    """Return the key of a day and a region."""
    key = ("AWS4" + secret).encode()
    for word in (*scope, "s3", "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    return key


def uri_encoded(text: str, *, safe: str = "") -> str:
    """Encode as S3 does: everything but letters, digits and `-._~`."""
    return quote(text, safe=f"{safe}-._~")


def _presigned(request: S3Request) -> Claim:
    values = request.values
    if request.header("authorization") is not None:
        raise S3Error("InvalidRequest", "a request is signed in its headers or in its query, not in both")
    access_key, _, scope = values.get("X-Amz-Credential", "").partition("/")
    seconds = values.get("X-Amz-Expires", "")
    if values.get("X-Amz-Algorithm") != ALGORITHM or not (seconds.isascii() and seconds.isdigit() and len(seconds) < 9):
        raise S3Error("AuthorizationHeaderMalformed", "the query is not as signature version 4 has it")
    if not 1 <= int(seconds) <= _LONGEST_LIFE:
        raise S3Error("AuthorizationHeaderMalformed", "a signed URL is good for 1 second to 7 days")
    return Claim(
        access_key,
        _scope(scope),
        tuple(values.get("X-Amz-SignedHeaders", "").split(";")),
        values["X-Amz-Signature"],
        values.get("X-Amz-Date", ""),
        request.header("x-amz-content-sha256") or UNSIGNED,
        int(seconds),
    )


def _scope(text: str) -> SigningScope:
    day, _, rest = text.partition("/")
    region, _, rest = rest.partition("/")
    if rest != "s3/aws4_request" or not _REGION.fullmatch(region):
        raise S3Error("AuthorizationHeaderMalformed", "requests to the inbox are signed for the service s3")
    return SigningScope(day, region)


def _check_time(claim: Claim, now: datetime) -> None:
    at = _time(claim.at)
    if claim.scope.day != claim.at[:8]:
        raise S3Error("AuthorizationHeaderMalformed", "the day of the signing key is not that of the request")
    if claim.seconds is not None:
        if now > at + timedelta(seconds=claim.seconds):
            raise S3Error("AccessDenied", "this signed URL has expired: make a new one")
        if at > now + SKEW:
            raise S3Error("AccessDenied", "this signed URL is not good yet: check the clock of your computer")
    elif abs(at - now) > SKEW:
        raise S3Error("RequestTimeTooSkewed", "your computer's clock is off by more than 15 minutes: set it right")


@lru_cache(1024)
def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise S3Error("AccessDenied", "the time of a request is written as 20260131T235959Z") from None


def _check_names(request: S3Request, claim: Claim) -> None:
    """Refuse a signature that leaves out what changes the meaning of the request, or names what is not there."""
    names = set(claim.signed_headers)
    if list(claim.signed_headers) != sorted(names) or not names <= request.headers.keys():
        raise S3Error("AuthorizationHeaderMalformed", "the signed headers are those of the request, sorted by name")
    missing = [name for name in _to_be_signed(request.headers, claim) if name not in names]
    if missing:
        raise S3Error("AccessDenied", f"headers that have to be signed are not: {', '.join(missing)}")


def _to_be_signed(headers: Iterable[str], claim: Claim) -> Iterable[str]:
    yield "host"
    if claim.seconds is None:
        yield from (name for name in headers if name.startswith("x-amz-"))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
