"""Requests signed by botocore, which stands for all clients: what we check is not made by our own code."""

import datetime as dt
from collections.abc import Mapping
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from services.inbox.s3.requests import S3Request, read_request

ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def signed(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"", secret: str = SECRET_KEY
) -> S3Request:
    """Sign in the headers."""
    request = AWSRequest(method=method, url=url, data=body, headers=dict(headers or {}))
    S3SigV4Auth(Credentials(ACCESS_KEY, secret), "s3", "us-east-1").add_auth(request)
    return _read(request)


def presigned(method: str, url: str, *, seconds: int = 60, secret: str = SECRET_KEY) -> S3Request:
    """Sign in the query."""
    auth = S3SigV4QueryAuth(Credentials(ACCESS_KEY, secret), "s3", "us-east-1", expires=seconds)
    request = AWSRequest(method=method, url=url)
    auth.add_auth(request)
    return _read(request)


def _read(request: AWSRequest) -> S3Request:
    prepared = request.prepare()
    parts = urlsplit(prepared.url)
    headers = {"host": parts.netloc, **{name.lower(): str(value) for name, value in prepared.headers.items()}}
    return read_request(
        {
            "type": "http",
            "method": prepared.method,
            "scheme": parts.scheme,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        }
    )


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
