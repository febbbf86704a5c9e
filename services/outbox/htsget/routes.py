"""The routes of htsget."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.outbox.asked import Head
from services.outbox.desk import Desk, base_of
from services.outbox.htsget.regions import as_body
from services.outbox.htsget.ticket import KINDS, Asked, WriteTicket
from services.outbox.record import Recorder
from shared.errors import StrongroomError
from shared.http.bodies import json_object
from shared.http.paths import ANYTHING
from shared.http.problems import HttpError, as_http

VERSION = "1.3.0"
CONTENT_TYPE = f"application/vnd.ga4gh.htsget.v{VERSION}+json; charset=utf-8"

_MOST_BODY = 512 * 1024
_OWN_ERRORS = {"UnsupportedFormat", "InvalidRange"}
_ERRORS = {401: "InvalidAuthentication", 403: "PermissionDenied", 404: "NotFound", 400: "InvalidInput"}


@dataclass(frozen=True, kw_only=True)
class HtsgetRoutes:
    """Tickets and descriptions for reads and for variants."""

    desk: Desk
    write: WriteTicket
    record: Recorder
    service_info: Mapping[str, Any]
    public_url: str | None

    def routes(self) -> list[Route]:
        """Return them; the name of a file may hold slashes."""
        found = []
        for kind in KINDS:
            found.append(Route(f"/{kind}/service-info", self._info(kind)))
            found.append(Route(f"/{kind}/{{name:{ANYTHING}}}", self._ticket(kind), methods=["GET", "POST"]))
        return found

    def _info(self, kind: str) -> Any:  # noqa: ANN401 - a route
        told = {
            **self.service_info,
            "htsget": {
                "datatype": kind,
                "formats": list(KINDS[kind]),
                "fieldsParameterEffective": False,
                "tagsParametersEffective": False,
            },
        }

        async def tell(_request: Request) -> Response:
            return JSONResponse(told)

        return tell

    def _ticket(self, kind: str) -> Any:  # noqa: ANN401 - a route
        async def give(request: Request) -> Response:
            try:
                content = await self._written(kind, request)
            except StrongroomError as error:
                told = as_http(error)
                self.record.refused(error, told)
                return _refusal(told)
            return _answer(200, content)

        return give

    async def _written(self, kind: str, request: Request) -> dict[str, Any]:
        head = Head(request.scope["headers"])
        asked = Asked(
            kind=kind,
            name=request.path_params["name"],
            keys=head.keys,
            query=await _query(request),
            token=head.token,
            base=base_of(request, self.public_url),
        )
        found: dict[str, Any] = await self.desk.answered(
            request, "htsget ticket", asked.name, lambda reader: self.write(reader, asked)
        )
        return found


async def _query(request: Request) -> Mapping[str, Any]:
    """Return what is asked for: in the address, or in the body of a POST."""
    if request.method == "GET":
        return as_body(request.query_params)
    return await json_object(request, most=_MOST_BODY)


def _refusal(told: HttpError) -> Response:
    name = told.code if told.code in _OWN_ERRORS else _ERRORS.get(told.status, told.code)
    return _answer(told.status, {"htsget": {"error": name, "message": str(told)}}, told.headers)


def _answer(status: int, content: dict[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        json.dumps(content),
        status_code=status,
        media_type=CONTENT_TYPE,
        headers={"Cache-Control": "private, no-store", **(headers or {})},
    )
