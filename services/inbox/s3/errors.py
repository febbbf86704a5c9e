"""The inbox's errors in the words of S3 (Amazon S3 API Reference, "Error responses")."""

from http import HTTPStatus

from services.inbox.errors import Busy, InboxError, NotAllowed, NotThere, QuotaExceeded, Superseded
from shared.access.tokens import NotAuthenticated
from shared.errors import FileRefused, StrongroomError, TransientError, UserError
from shared.storage.errors import IncompleteBody, UploadMissing

_STATUSES = {
    "AccessDenied": HTTPStatus.FORBIDDEN,
    "AuthorizationHeaderMalformed": HTTPStatus.BAD_REQUEST,
    "BadDigest": HTTPStatus.BAD_REQUEST,
    "BucketAlreadyOwnedByYou": HTTPStatus.CONFLICT,
    "EntityTooLarge": HTTPStatus.BAD_REQUEST,
    "EntityTooSmall": HTTPStatus.BAD_REQUEST,
    "IncompleteBody": HTTPStatus.BAD_REQUEST,
    "InternalError": HTTPStatus.INTERNAL_SERVER_ERROR,
    "InvalidAccessKeyId": HTTPStatus.FORBIDDEN,
    "InvalidArgument": HTTPStatus.BAD_REQUEST,
    "InvalidDigest": HTTPStatus.BAD_REQUEST,
    "InvalidPart": HTTPStatus.BAD_REQUEST,
    "InvalidPartOrder": HTTPStatus.BAD_REQUEST,
    "InvalidRequest": HTTPStatus.BAD_REQUEST,
    # the incumbent's clients know a token that is not good by this status
    "InvalidToken": HTTPStatus.UNAUTHORIZED,
    "InvalidURI": HTTPStatus.BAD_REQUEST,
    "KeyTooLongError": HTTPStatus.BAD_REQUEST,
    "MalformedXML": HTTPStatus.BAD_REQUEST,
    "MissingContentLength": HTTPStatus.LENGTH_REQUIRED,
    "NoSuchKey": HTTPStatus.NOT_FOUND,
    "NoSuchUpload": HTTPStatus.NOT_FOUND,
    "NotImplemented": HTTPStatus.NOT_IMPLEMENTED,
    "OperationAborted": HTTPStatus.CONFLICT,
    # S3 has no 507: its own servers answer so where a quota is used up
    "QuotaExceeded": HTTPStatus.FORBIDDEN,
    "RequestTimeTooSkewed": HTTPStatus.FORBIDDEN,
    "RequestTimeout": HTTPStatus.BAD_REQUEST,
    "ServiceUnavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "SignatureDoesNotMatch": HTTPStatus.FORBIDDEN,
    "SlowDown": HTTPStatus.SERVICE_UNAVAILABLE,
    "XAmzContentSHA256Mismatch": HTTPStatus.BAD_REQUEST,
}


class S3Error(UserError):
    """The request is refused with one of S3's codes."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)

    @property
    def status(self) -> HTTPStatus:
        """Status of the answer."""
        return _STATUSES[self.code]


class ClientGone(StrongroomError):
    """The client broke off: nobody is there to be answered."""


_CODES: tuple[tuple[type[StrongroomError], str], ...] = (
    (NotThere, "NoSuchKey"),
    (NotAllowed, "AccessDenied"),
    (QuotaExceeded, "QuotaExceeded"),
    (Superseded, "OperationAborted"),
    (InboxError, "InvalidArgument"),
    (Busy, "SlowDown"),
    (NotAuthenticated, "InvalidToken"),
    (UploadMissing, "NoSuchUpload"),
    (IncompleteBody, "IncompleteBody"),
    (FileRefused, "InvalidRequest"),
)


def as_s3(error: StrongroomError) -> S3Error:
    """Return what a client is told of an error; what is not the client's fault is never told in detail."""
    if isinstance(error, S3Error):
        return error
    code = next((code for kind, code in _CODES if isinstance(error, kind)), None)
    if code is not None:
        return S3Error(code, str(error))
    if isinstance(error, TransientError):
        return S3Error("ServiceUnavailable", "the archive is busy: try again, what is stored is safe")
    return S3Error("InternalError", "something is wrong in the archive; its operator can see what")
