"""Asking other servers over HTTP: small answers, soon or not at all, and never from where they redirect to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from shared.errors import TransientError

_LARGEST = 1024 * 1024
_POOL = urllib3.PoolManager(timeout=urllib3.Timeout(connect=3, read=5), retries=False, maxsize=8)


@dataclass(frozen=True)
class Answer:
    """Status and body of an answer."""

    status: int
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - whatever the other side says
        """Return the body as JSON. Raises TransientError if it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise TransientError("the answer is no JSON") from None


def ask(
    url: str, *, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None, method: str = "GET"
) -> Answer:
    """Ask a server; a `form` is sent in the body. Raises TransientError, which doesn't repeat the address."""
    fields: Any = {"fields": dict(form), "encode_multipart": False} if form is not None else {}
    try:
        answer = _POOL.request(method, url, headers=headers, redirect=False, preload_content=False, **fields)
        body = answer.read(_LARGEST + 1)
    except (HTTPError, OSError) as error:
        raise TransientError(f"no answer: {type(error).__name__}") from error
    if len(body) > _LARGEST:
        answer.close()
        raise TransientError("the answer is too long")
    answer.release_conn()
    return Answer(answer.status, body)


def get_json(url: str) -> Any:  # noqa: ANN401
    """Return what a server answers with status 200. Raises TransientError."""
    answer = ask(url)
    if answer.status != 200:
        raise TransientError(f"the answer has status {answer.status}")
    return answer.json()
