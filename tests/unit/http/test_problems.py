"""Problem details: complete, alike for all errors, and silent about what is not the client's business."""

import json

import pytest
from starlette.requests import Request

from shared.access.tokens import NotAuthenticated
from shared.crypto.errors import BadPublicKey, NoFittingKey
from shared.database.engine import DatabaseAway
from shared.errors import ConfigurationError, StrongroomError
from shared.http.problems import Forbidden, as_http, problem
from shared.http.ranges import RangeNotSatisfiable
from shared.storage.errors import ObjectMissing, StoreUnavailable


@pytest.fixture
def request_() -> Request:
    return Request({"type": "http", "method": "GET", "headers": [], "state": {"correlation_id": "run-17"}})


def test_problem_has_all_members(request_: Request) -> None:
    response = problem(request_, RangeNotSatisfiable(100))
    assert response.status_code == 416
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["content-range"] == "bytes */100"
    assert response.headers["cache-control"] == "no-store"
    assert json.loads(bytes(response.body)) == {
        "title": "Requested Range Not Satisfiable",
        "status": 416,
        "detail": "The range begins beyond the end: there are 100 bytes.",
        "errorCode": "RANGE_NOT_SATISFIABLE",
        "correlationId": "run-17",
    }


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotAuthenticated(), 401, "NOT_AUTHENTICATED"),
        (Forbidden(), 403, "ACCESS_DENIED"),
        (BadPublicKey("told"), 400, "KEY_INVALID"),
        (StoreUnavailable("inner"), 503, "UNAVAILABLE"),
        (DatabaseAway("inner"), 503, "UNAVAILABLE"),
        (ObjectMissing("inner"), 503, "UNAVAILABLE"),
        (ConfigurationError("inner"), 503, "UNAVAILABLE"),
        # the archive's own fault: the reader did not write this header
        (NoFittingKey("inner"), 503, "UNAVAILABLE"),
    ],
)
def test_errors_have_their_status(error: StrongroomError, status: int, code: str) -> None:
    told = as_http(error)
    assert (told.status, told.code) == (status, code)
    assert "inner" not in str(told)
