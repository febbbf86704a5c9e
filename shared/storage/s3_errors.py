"""The border to the S3 client: its errors become ours, here and only here."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from http.client import NOT_FOUND, HTTPException
from ssl import SSLCertVerificationError
from xml.etree.ElementTree import ParseError

from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError, MaxRetryError, SSLError

from shared.errors import StrongroomError
from shared.storage.errors import ObjectMissing, SourceReplaced, StoreRefused, StoreUnavailable, UploadMissing

_MEANINGS: dict[str, type[StrongroomError]] = {
    "NoSuchKey": ObjectMissing,
    "NoSuchVersion": ObjectMissing,
    "NoSuchUpload": UploadMissing,
    "InvalidPart": UploadMissing,
    # refusals by status, passing by nature: damage or congestion on the way, or a source replaced during a copy
    "BadDigest": StoreUnavailable,
    "IncompleteBody": StoreUnavailable,
    "OperationAborted": StoreUnavailable,
    "PreconditionFailed": SourceReplaced,
    "QuotaExceeded": StoreRefused,
    "RequestTimeout": StoreUnavailable,
    "XAmzContentSHA256Mismatch": StoreUnavailable,
}
_PASSING_STATUSES = frozenset({408, 425, 429, 499})
"""499: a server that is being stopped says so of requests under way (MinIO's ClientDisconnected)."""


@contextmanager
def s3_errors() -> Iterator[None]:
    """Translate what the S3 client and its HTTP pool raise into the errors of `shared.storage.errors`."""
    try:
        yield
    except S3Error as error:
        raise _translated(error) from error
    except HTTPError as error:
        kind = StoreRefused if _distrusted(error) else StoreUnavailable
        raise kind(f"no answer from the store: {_cause(error)}") from error
    except (MinioException, ParseError) as error:
        raise StoreUnavailable(f"no S3 answer from the store: {type(error).__name__}") from error


@contextmanager
def wire_errors() -> Iterator[None]:
    """Translate what `http.client` and its sockets raise; for requests that do without the S3 client."""
    try:
        yield
    except SSLCertVerificationError as error:
        raise StoreRefused(f"no answer from the store: {type(error).__name__}") from error
    except (OSError, HTTPException) as error:
        raise StoreUnavailable(f"no answer from the store: {type(error).__name__}") from error


def _translated(error: S3Error) -> StrongroomError:
    translated = meaning_of(error.code, error.response.status)(
        f"the store answered {error.code} (status {error.response.status})"
    )
    if isinstance(translated, StoreRefused):
        translated.code, translated.said = error.code or "", error.message or ""
    return translated


def refusal(status: int, told: bytes) -> StrongroomError:
    """Return what an answer's status and body mean (S3 API, error responses)."""
    code, said = _field("Code", told), _field("Message", told)
    kind = ObjectMissing if status == NOT_FOUND and not code else meaning_of(code, status)
    error = kind(f"the store answered {code or 'an error'} (status {status})")
    if isinstance(error, StoreRefused):
        error.code, error.said = code, said
    return error


def _field(name: str, told: bytes) -> str:
    found = re.search(rf"<{name}>([^<]{{1,2000}})</{name}>", told.decode(errors="replace"))
    return unescape(found[1]) if found else ""


def meaning_of(code: str | None, status: int) -> type[StrongroomError]:
    """Return the error that a code and a status of S3 stand for."""
    known = _MEANINGS.get(code or "")
    if known:
        return known
    return StoreUnavailable if status >= 500 or status in _PASSING_STATUSES else StoreRefused


def _distrusted(error: HTTPError) -> bool:
    """Tell whether the server's certificate is not to be trusted: waiting does not mend that."""
    reason = error.reason if isinstance(error, MaxRetryError) else error
    return isinstance(reason, SSLError) and any(isinstance(arg, SSLCertVerificationError) for arg in reason.args)


def _cause(error: HTTPError) -> str:
    reason = error.reason if isinstance(error, MaxRetryError) else error
    return type(reason).__name__
