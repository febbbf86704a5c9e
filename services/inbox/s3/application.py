"""The S3 front as an ASGI application: whose request it is, what it asks for, and how it is answered."""

import traceback
from collections.abc import Awaitable, Callable, Mapping
from uuid import uuid4

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from services.inbox.metrics import S3_REQUESTS
from services.inbox.s3 import changing, looking, put
from services.inbox.s3.authentication import Authenticator
from services.inbox.s3.calls import Call, Ground
from services.inbox.s3.errors import ClientGone, S3Error, as_s3
from services.inbox.s3.operations import Operation, operation_of
from services.inbox.s3.requests import S3Request, read_request
from services.inbox.s3.sources import RequestBody
from services.inbox.s3.xml import elements, xml_response
from shared.access.buckets import bucket_of, is_bucket_of
from shared.errors import StrongroomError
from shared.health import Readiness

log = structlog.get_logger(__name__)

_O = Operation
_HANDLERS: Mapping[Operation, Callable[[Call], Awaitable[Response]]] = {
    _O.LIST_BUCKETS: looking.list_buckets,
    _O.HEAD_BUCKET: looking.head_bucket,
    _O.CREATE_BUCKET: looking.create_bucket,
    _O.GET_BUCKET_LOCATION: looking.get_bucket_location,
    _O.LIST_OBJECTS: looking.list_objects,
    _O.LIST_OBJECTS_V2: looking.list_objects_v2,
    _O.LIST_MULTIPART_UPLOADS: looking.list_multipart_uploads,
    _O.LIST_PARTS: looking.list_parts,
    _O.HEAD_OBJECT: looking.head_object,
    _O.PUT_OBJECT: put.put_object,
    _O.UPLOAD_PART: put.upload_part,
    _O.CREATE_MULTIPART_UPLOAD: changing.create_multipart_upload,
    _O.COMPLETE_MULTIPART_UPLOAD: changing.complete_multipart_upload,
    _O.ABORT_MULTIPART_UPLOAD: changing.abort_multipart_upload,
    _O.DELETE_OBJECT: changing.delete_object,
    _O.DELETE_OBJECTS: changing.delete_objects,
}
_MOST_UNREAD = 64 * 1024 * 1024
"""A body up to this size, of a request that is refused, is let in and thrown away, so that its client reads the answer
instead of losing its connection. A client that waits for our word before it sends (`Expect`) sends nothing."""


class S3Application:
    """Answers S3 requests; `readiness` answers those that ask for no more than whether the inbox works."""

    def __init__(self, ground: Ground, authenticator: Authenticator, readiness: Readiness) -> None:
        self._ground = ground
        self._authenticator = authenticator
        self._readiness = readiness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = uuid4().hex
        with bound_contextvars(correlation_id=request_id):
            try:
                response = await self._answer(scope, receive)
            except ClientGone:
                return
        response.headers["x-amz-request-id"] = request_id
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        request = None
        operation = "none"
        try:
            request = read_request(scope)
            if _asks_for_health(request):
                return await self._health()
            caller = await self._authenticator.caller(request)
            operation = operation_of(request)
            _check_bucket(request, caller.user)
            call = Call(request, caller, RequestBody(scope, receive), self._ground)
            response = await _HANDLERS[Operation(operation)](call)
        except ClientGone:
            S3_REQUESTS.labels(operation, "ClientGone").inc()
            raise
        except StrongroomError as error:
            return _refusal(request, operation, error)
        except Exception as error:  # noqa: BLE001 - told in the log, and to the client without details
            # without its message, which may hold names and paths
            trace = "".join(traceback.format_tb(error.__traceback__))
            log.error("s3_request_broke", error=type(error).__name__, trace=trace)  # noqa: TRY400
            return _refusal(request, operation, StrongroomError())
        S3_REQUESTS.labels(operation, "ok").inc()
        return response

    async def _health(self) -> Response:
        report = await self._ground.waiting(self._readiness.report)
        return Response(status_code=200 if report.ready else 503)


def _asks_for_health(request: S3Request) -> bool:
    """Tell whether this is the incumbent's question for health, which is asked without saying by whom."""
    asked = (request.method, request.path) in {("HEAD", "/"), ("GET", "/health")}
    return asked and "authorization" not in request.headers and not request.query


def _check_bucket(request: S3Request, user: str) -> None:
    if request.bucket and not is_bucket_of(user, request.bucket):
        raise S3Error("AccessDenied", f"this is not your bucket: yours is called {bucket_of(user)}")


def _refusal(request: S3Request | None, operation: str, error: StrongroomError) -> Response:
    told = as_s3(error)
    S3_REQUESTS.labels(operation, told.code).inc()
    if told.status >= 500:
        log.warning("s3_request_failed", operation=operation, error=type(error).__name__)
    key = None if request is None else request.key or None
    content = elements(
        ("Code", told.code),
        ("Message", str(told) if key is None else f"{_visible(key)}: {told}"),
        ("Key", None if key is None else _visible(key)),
        ("Resource", None if request is None else _visible(request.path)),
    )
    response = xml_response("Error", content, status=told.status, plain=True)
    if told.status == 503:
        response.headers["Retry-After"] = "5"
    if request is not None and _leaves_body(request):
        response.headers["Connection"] = "close"
    return response


def _visible(name: str) -> str:
    """Leave out what XML cannot hold."""
    return "".join(sign if sign.isprintable() else "?" for sign in name)


def _leaves_body(request: S3Request) -> bool:
    """Tell whether the rest of the body is not worth waiting for."""
    length = request.header("content-length") or "0"
    unread = int(length) if length.isdigit() else _MOST_UNREAD
    return "expect" in request.headers or "transfer-encoding" in request.headers or unread >= _MOST_UNREAD
