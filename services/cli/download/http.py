"""Requests to an outbox: what is refused, what passes, and when a new token is needed."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import urllib3
from urllib3.exceptions import HTTPError, SSLError
from urllib3.response import BaseHTTPResponse

from services.cli.download.access import ReadAccess
from services.cli.transfer.endings import AccessEnded
from services.cli.transfer.patience import Patience, TryLater
from shared.errors import ConfigurationError, StrongroomError, TransientError, UserError

Result = TypeVar("Result")
Headers = Mapping[str, str]

_CONNECT_SECONDS = 20.0
_READ_SECONDS = 60.0
_PASSING = frozenset({408, 425, 429})
_REDIRECTS = frozenset({302, 303, 307, 308})
_LONGEST_WAIT = 3600


class _TokenRefused(StrongroomError):
    """The outbox does not take the token."""


class Requests:
    """Requests with a token that its owner may replace while a download goes on."""

    def __init__(self, read: ReadAccess, patience: Patience, *, threads: int) -> None:
        self._read = read
        self._patience = patience
        self._renewing = threading.Lock()
        self._access = read()
        self._pool = urllib3.PoolManager(
            maxsize=threads,
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
            retries=urllib3.Retry(total=0, redirect=False),
            cert_reqs="CERT_REQUIRED",
            ca_certs=str(self._access.ca_cert) if self._access.ca_cert else None,
        )

    def call(self, work: Callable[[], Result]) -> Result:
        """Do what makes requests, patiently; with the new token if there is one when the old has ended.

        Raises AccessEnded, Unfinished, Interrupted, UserError for what is refused, and what `work` raises.
        """
        while True:
            token = self._access.token
            try:
                return self._patience.call(work)
            except _TokenRefused as refusal:
                if not self._renewed(token):
                    raise AccessEnded(
                        "the token is not valid any more; get a new one, put it where the old one was, and run the "
                        "same command again: it goes on"
                    ) from refusal

    @contextmanager
    def get(self, path: str, headers: Headers | None = None, *, method: str = "GET") -> Iterator[BaseHTTPResponse]:
        """Ask once, and yield an answer of status 2xx, from where the outbox sends us, if it does.

        Raises TransientError, UserError, ConfigurationError.
        """
        sent = {"Authorization": f"Bearer {self._access.token}", **(headers or {})}
        response = self._ask(method, self._access.url + path, sent)
        if response.status in _REDIRECTS and response.headers.get("Location"):
            response.release_conn()
            # the address is its own permission; the token is nobody else's business, and neither is the outbox's tag
            kept = {name: value for name, value in sent.items() if name == "Range"}
            response = self._ask(method, response.headers["Location"], kept)
        try:
            _check(response)
            yield response
        except HTTPError as error:
            raise TransientError(f"the answer broke off: {type(error).__name__}") from error
        finally:
            # closes the connection if the answer was not read to its end
            response.close()
            response.release_conn()

    def json(self, path: str) -> dict[str, object]:
        """Return what the outbox says in JSON."""

        def ask() -> dict[str, object]:
            with self.get(path) as response:
                return dict(json.loads(response.data))

        try:
            return self.call(ask)
        except ValueError as error:
            raise ConfigurationError("the answer is not that of an outbox: check the address") from error

    def _ask(self, method: str, url: str, headers: Headers) -> BaseHTTPResponse:
        try:
            return self._pool.request(method, url, headers=headers, preload_content=False, decode_content=False)
        except SSLError as error:
            raise ConfigurationError(f"the outbox can't be trusted: {error}") from error
        except HTTPError as error:
            if isinstance(getattr(error, "reason", None), SSLError):
                raise ConfigurationError("the certificate of the outbox can't be trusted") from error
            raise TransientError(f"the outbox does not answer: {type(error).__name__}") from error

    def _renewed(self, token: str) -> bool:
        with self._renewing:
            if self._access.token == token:
                self._access = self._read()
            return self._access.token != token


def _check(response: BaseHTTPResponse) -> None:
    status = response.status
    if 200 <= status < 300:
        return
    words = f"the outbox answers {status}{_detail(response)}"
    if status == 401:
        raise _TokenRefused(words)
    if status >= 500 or status in _PASSING:
        raise TryLater(words, _seconds(response.headers.get("Retry-After", "")))
    if status in {403, 404}:
        raise UserError("it is not there, or not granted to you")
    raise UserError(words)


def _detail(response: BaseHTTPResponse) -> str:
    """Say what the problem details say (RFC 9457), if there are any."""
    if "json" not in response.headers.get("Content-Type", ""):
        return ""
    try:
        found = json.loads(response.read(65_536))
    except (ValueError, HTTPError):
        return ""
    return f": {found['detail']}" if isinstance(found, dict) and found.get("detail") else ""


def _seconds(retry_after: str) -> float:
    return float(min(int(retry_after), _LONGEST_WAIT)) if retry_after.isdecimal() else 0.0
