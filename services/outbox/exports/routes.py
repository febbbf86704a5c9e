"""The routes of exports."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.outbox.asked import Head
from services.outbox.desk import Desk, Work, base_of
from services.outbox.exports.exports import Exports, asked_of
from shared.http.bodies import json_object
from shared.http.paths import ANYTHING

_MOST_BODY = 16 * 1024
_PRIVATE = {"Cache-Control": "private, no-store"}


@dataclass(frozen=True, kw_only=True)
class ExportRoutes:
    """`/exports`."""

    desk: Desk
    exports: Exports
    public_url: str | None

    def routes(self) -> list[Route]:
        """Return them."""
        return [
            Route("/exports", self.start, methods=["POST"]),
            Route("/exports", self.all, methods=["GET"]),
            Route(f"/exports/{{export:{ANYTHING}}}", self.one, methods=["GET"]),
            Route(f"/exports/{{export:{ANYTHING}}}", self.remove, methods=["DELETE"]),
        ]

    async def start(self, request: Request) -> Response:
        keys = Head(request.scope["headers"]).keys
        asked = asked_of(await json_object(request, most=_MOST_BODY))
        told = await self.desk.answered(
            request, "start export", asked.name, lambda reader: self.exports.start(reader, asked, keys)
        )
        place = f"{base_of(request, self.public_url)}/exports/{told['exportId']}"
        return JSONResponse(told, status_code=202, headers={"Location": place, **_PRIVATE})

    async def all(self, request: Request) -> Response:
        return await self._answered(request, "list exports", "", self.exports.all)

    async def one(self, request: Request) -> Response:
        export = request.path_params["export"]
        return await self._answered(request, "show export", export, lambda reader: self.exports.one(reader, export))

    async def remove(self, request: Request) -> Response:
        export = request.path_params["export"]
        await self.desk.answered(request, "remove export", export, lambda reader: self.exports.remove(reader, export))
        return Response(status_code=204, headers=_PRIVATE)

    async def _answered(self, request: Request, action: str, target: str, work: Work) -> Response:
        return JSONResponse(await self.desk.answered(request, action, target, work), headers=_PRIVATE)
