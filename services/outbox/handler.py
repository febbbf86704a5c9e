"""Which route leads to which use case."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from services.outbox.datasets import list_datasets, list_files
from services.outbox.download import Decide, Wanted
from services.outbox.record import Record
from services.outbox.streaming import Sender
from shared.access.tokens import TokenVerifier
from shared.database.engine import Database
from shared.errors import StrongroomError
from shared.health import Readiness
from shared.http.bearer import authenticated
from shared.http.correlation import CorrelationIds
from shared.http.problems import answer_bug, answer_http_exception, as_http, problem

KEY_HEADERS = ("x-c4gh-public-key", "htsget-context-public-key")

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class OutboxHandler:
    """The routes. `threads` may wait for the database; the store has others, so that it can hang alone."""

    verifier: TokenVerifier
    database: Database
    decide: Decide
    sender: Sender
    record: Record
    readiness: Readiness
    threads: CapacityLimiter

    def application(self) -> ASGIApp:
        """Return the whole as an ASGI application."""
        routes = [
            Route("/datasets", self.datasets),
            Route("/datasets/{dataset:path}/files", self.files),
            Route("/files/{file:path}", self.file),
            Route("/health/live", self.live),
            Route("/health/ready", self.ready),
        ]
        answers = {StrongroomError: self.refuse, HTTPException: answer_http_exception, Exception: answer_bug}
        app = Starlette(routes=routes, exception_handlers=answers)
        app.router.redirect_slashes = False
        return CorrelationIds(app)

    async def datasets(self, request: Request) -> Response:
        user = await authenticated(request, self.verifier)
        return _json(await self._waiting(list_datasets, self.database, user, request.query_params))

    async def files(self, request: Request) -> Response:
        user = await authenticated(request, self.verifier)
        dataset = request.path_params["dataset"]
        return _json(await self._waiting(list_files, self.database, user, dataset, request.query_params))

    async def file(self, request: Request) -> Response:
        user = await authenticated(request, self.verifier)
        return self.sender.answer(await self._waiting(self.decide, user, _wanted(request)))

    async def live(self, _request: Request) -> Response:
        return _json({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """Name what does not work; in what way is the operator's business and told at `/readyz` only."""
        report = await self._waiting(self.readiness.report)
        services = {name: "ok" if said == "ok" else "error" for name, said in report.checks.items()}
        content = {"status": "ok" if report.ready else "error", "services": services}
        return JSONResponse(content, status_code=200 if report.ready else 503)

    async def refuse(self, request: Request, error: Exception) -> Response:
        """Answer with a problem."""
        assert isinstance(error, StrongroomError)
        told = as_http(error)
        self.record.refused(error, told)
        return problem(request, told)

    async def _waiting(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        return await run_sync(lambda: work(*args, **named), limiter=self.threads)


def _wanted(request: Request) -> Wanted:
    headers = request.headers
    # a range asked for by its method alone: section 14.2 of RFC 9110 knows none for HEAD
    ranges = headers.getlist("range") if request.method == "GET" else []
    return Wanted(
        name=request.path_params["file"],
        keys=[value for name in KEY_HEADERS for value in headers.getlist(name)],
        range=", ".join(ranges) if ranges else None,
        if_range=headers.get("if-range"),
    )


def _json(content: object) -> Response:
    return JSONResponse(content, headers={"Cache-Control": "no-store"})
