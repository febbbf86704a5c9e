"""Which route leads to which use case; those that give out bytes are in files.py."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from services.outbox.asked import place_of
from services.outbox.datasets import Lists
from services.outbox.desk import Desk, Work, base_of
from services.outbox.objects import Objects
from services.outbox.record import Recorder
from shared.errors import StrongroomError
from shared.health import Readiness
from shared.http.paths import ANYTHING
from shared.http.problems import answer_bug, answer_http_exception, as_http, problem

_FILES = frozenset({b"files"})
_PRIVATE = {"Cache-Control": "private, no-store"}
_PUBLIC = {"Cache-Control": "public, max-age=300"}


@dataclass(frozen=True, kw_only=True)
class OutboxHandler:
    """The routes whose answers are small."""

    desk: Desk
    lists: Lists
    objects: Objects
    record: Recorder
    readiness: Readiness
    service_info: Mapping[str, Any]
    api: Mapping[str, Any]
    public_url: str | None
    more: Sequence[Route]

    def application(self) -> ASGIApp:
        """Return them as an ASGI application."""
        routes = [
            Route("/service-info", self.told(self.service_info)),
            Route("/openapi.json", self.told(self.api)),
            Route("/health/live", self.live),
            Route("/health/ready", self.ready),
            Route("/datasets", self.datasets),
            Route(f"/datasets/{{rest:{ANYTHING}}}", self.dataset),
            Route(f"/objects/{{rest:{ANYTHING}}}", self.object_at),
            *self.more,
        ]
        answers = {StrongroomError: self.refuse, HTTPException: answer_http_exception, Exception: answer_bug}
        app = Starlette(routes=routes, exception_handlers=answers)
        app.router.redirect_slashes = False
        return app

    def told(self, content: Mapping[str, Any]) -> Callable[[Request], Awaitable[Response]]:
        """Return a route that says the same to everybody."""

        async def tell(_request: Request) -> Response:
            return JSONResponse(content, headers=_PUBLIC)

        return tell

    async def datasets(self, request: Request) -> Response:
        return await self._answered(
            request, "list datasets", "", lambda reader: self.lists.datasets(reader, request.query_params)
        )

    async def dataset(self, request: Request) -> Response:
        name, part = place_of(request.scope["raw_path"], b"/datasets/", _FILES)
        if part:
            return await self._answered(
                request, "list files", name, lambda reader: self.lists.files(reader, name, request.query_params)
            )
        return await self._answered(request, "show dataset", name, lambda reader: self.lists.dataset(reader, name))

    async def object_at(self, request: Request) -> Response:
        rest = request.scope["raw_path"].removeprefix(b"/objects/")
        base = base_of(request, self.public_url)
        shown = request.path_params["rest"]
        return await self._answered(request, "show object", shown, lambda reader: self.objects.at(reader, rest, base))

    async def live(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers=_PRIVATE)

    async def ready(self, _request: Request) -> Response:
        """Name what does not work; in what way is the operator's business and told at `/readyz` only."""
        report = await run_sync(self.readiness.report)
        services = {name: "ok" if said == "ok" else "error" for name, said in report.checks.items()}
        content = {"status": "ok" if report.ready else "error", "services": services}
        return JSONResponse(content, status_code=200 if report.ready else 503, headers=_PRIVATE)

    async def refuse(self, request: Request, error: Exception) -> Response:
        """Answer with a problem."""
        assert isinstance(error, StrongroomError)
        told = as_http(error)
        self.record.refused(error, told)
        return problem(request, told)

    async def _answered(self, request: Request, action: str, target: str, work: Work) -> Response:
        content = await self.desk.answered(request, action, target, work)
        return JSONResponse(content, headers=_PRIVATE)
