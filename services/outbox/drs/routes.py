"""The routes of DRS. A passport in the body of a POST stands for the access token: who logs us in has signed it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.outbox.asked import Head
from services.outbox.desk import Desk, base_of
from services.outbox.drs.objects import MOST_AT_ONCE, AccessWanted, DrsObjects
from shared.access.tokens import NotAuthenticated
from shared.http.bodies import InvalidBody, json_object
from shared.http.paths import ANYTHING
from shared.http.problems import HttpError

ROOT = "/ga4gh/drs/v1"
_MOST_BODY = 1024 * 1024
_PRIVATE = {"Cache-Control": "private, no-store"}


class TooMany(HttpError):
    """These are more objects than may be asked for at a time: `maxBulkRequestLength` of service-info."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "TOO_MANY_OBJECTS"


@dataclass(frozen=True, kw_only=True)
class DrsRoutes:
    """Objects by their ids."""

    desk: Desk
    objects: DrsObjects
    service_info: Mapping[str, Any]
    public_url: str | None
    issuers: Sequence[str]

    def routes(self) -> list[Route]:
        """Return them; ids with slashes have to be encoded."""
        return [
            Route(f"{ROOT}/service-info", self.info),
            Route(f"{ROOT}/objects", self.show_many, methods=["POST"]),
            Route(f"{ROOT}/objects/access", self.access_many, methods=["POST"]),
            Route(f"{ROOT}/objects/{{name:{ANYTHING}}}/access/{{access}}", self.access, methods=["GET", "POST"]),
            Route(f"{ROOT}/objects/{{name:{ANYTHING}}}", self.show, methods=["GET", "POST"]),
            Route(f"{ROOT}/objects/{{name:{ANYTHING}}}", self.authorizations, methods=["OPTIONS"]),
        ]

    async def info(self, _request: Request) -> Response:
        told = {**self.service_info, "maxBulkRequestLength": MOST_AT_ONCE}
        return JSONResponse({**told, "drs": {"maxBulkRequestLength": MOST_AT_ONCE}})

    async def authorizations(self, _request: Request) -> Response:
        """Say how to show who one is; the same for every id, whether there is such an object or not."""
        return JSONResponse(
            {
                "supported_types": ["BearerAuth", "PassportAuth"],
                "bearer_auth_issuers": list(self.issuers),
                "passport_auth_issuers": list(self.issuers),
            }
        )

    async def show(self, request: Request) -> Response:
        name, token, base = request.path_params["name"], await _token(request), self._base(request)
        return await self._answered(request, "show object", name, lambda r: self.objects.show(r, name, base), token)

    async def access(self, request: Request) -> Response:
        wanted = AccessWanted(request.path_params["name"], request.path_params["access"])
        token, base = await _token(request), self._base(request)
        return await self._answered(
            request, "show address", wanted.name, lambda r: self.objects.access(r, wanted, token, base), token
        )

    async def show_many(self, request: Request) -> Response:
        body, base = await json_object(request, most=_MOST_BODY), self._base(request)
        names = [name for name in _listed(body, "bulk_object_ids") if isinstance(name, str)]
        return await self._answered(
            request,
            "show objects",
            f"{len(names)} objects",
            lambda r: self.objects.show_many(r, names, base),
            _shown(request, body),
        )

    async def access_many(self, request: Request) -> Response:
        body, base = await json_object(request, most=_MOST_BODY), self._base(request)
        wanted, token = list(_accesses(body)), _shown(request, body)
        return await self._answered(
            request,
            "show addresses",
            f"{len(wanted)} objects",
            lambda r: self.objects.access_many(r, wanted, token, base),
            token,
        )

    async def _answered(self, request: Request, action: str, target: str, work: Any, token: str) -> Response:  # noqa: ANN401
        content = await self.desk.answered(request, action, target, work, token=token)
        return JSONResponse(content, headers=_PRIVATE)

    def _base(self, request: Request) -> str:
        return base_of(request, self.public_url)


async def _token(request: Request) -> str:
    return _shown(request, await json_object(request, most=_MOST_BODY) if request.method == "POST" else {})


def _shown(request: Request, body: Mapping[str, Any]) -> str:
    """Return the token: a passport in the body, else the one in the head. Raises NotAuthenticated."""
    passports = body.get("passports")
    if not passports:
        return Head(request.scope["headers"]).token
    if not isinstance(passports, list) or len(passports) != 1 or not isinstance(passports[0], str):
        # whose visas would count, were there several?
        raise NotAuthenticated
    return passports[0]


def _listed(body: Mapping[str, Any], name: str) -> list[Any]:
    found = body.get(name)
    if not isinstance(found, list) or not found:
        raise InvalidBody
    if len(found) > MOST_AT_ONCE:
        raise TooMany
    return found


def _accesses(body: Mapping[str, Any]) -> list[AccessWanted]:
    wanted = []
    for entry in _listed(body, "bulk_object_access_ids"):
        name, ways = (entry.get("bulk_object_id"), entry.get("bulk_access_ids")) if isinstance(entry, dict) else (0, 0)
        if not isinstance(name, str) or not isinstance(ways, list):
            raise InvalidBody
        wanted += [AccessWanted(name, way) for way in ways if isinstance(way, str)]
    if len(wanted) > MOST_AT_ONCE:
        raise TooMany
    return wanted
