"""Which route leads to which use case."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from services.login.doors import HOME, Doors
from services.login.errors import NoSuchCredentials
from services.login.forms import read_form
from services.login.grant import Grant
from services.login.metrics import CREDENTIALS
from services.login.opaque import form_token
from services.login.pages import STYLE, Pages
from services.login.security import SecurityHeaders
from services.login.site import NotLoggedIn, Site, Visit
from services.login.status import Status
from services.login.uploads import MEANINGS, Uploads
from shared.access.s3_clients import FORMS
from shared.errors import StrongroomError, UserError
from shared.health import Readiness
from shared.http.correlation import CorrelationIds, correlation_id

log = structlog.get_logger(__name__)

_JWKS_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class LoginHandler:
    """The routes. `keys` are the public keys of our tokens, `info` is what `/info` says of the node."""

    site: Site
    pages: Pages
    doors: Doors
    grant: Grant
    uploads: Uploads
    status: Status
    keys: Sequence[dict[str, Any]]
    info: dict[str, str | None]
    archive_key: str
    readiness: Readiness

    def application(self) -> ASGIApp:
        """Return the whole as an ASGI application."""
        answers = {UserError: self.refuse, StrongroomError: self.fail, HTTPException: self.missing, Exception: self.bug}
        app = Starlette(routes=[*self._doors(), *self._rooms(), *self._facts()], exception_handlers=answers)
        app.router.redirect_slashes = False
        return CorrelationIds(SecurityHeaders(app, secure=self.site.secure))

    def _doors(self) -> list[Route]:
        return [
            Route("/login", self.doors.form, methods=["GET"]),
            Route("/login", self.doors.by_password, methods=["POST"]),
            Route("/logout", self.doors.leave, methods=["POST"]),
            Route("/oidc", self.doors.to_provider, methods=["GET"]),
            Route("/oidc/callback", self.doors.from_provider, methods=["GET"]),
        ]

    def _rooms(self) -> list[Route]:
        return [
            Route("/", self.home, methods=["GET"]),
            Route("/credentials", self.show_credentials, methods=["GET"]),
            Route("/credentials", self.issue, methods=["POST"]),
            Route("/credentials/{key}/revoke", self.revoke, methods=["POST"]),
            Route("/credentials/{key}/{form}", self.configuration, methods=["GET"]),
            Route("/token", self.show_token, methods=["POST"]),
            Route("/uploads", self.show_uploads, methods=["GET"]),
        ]

    def _facts(self) -> list[Route]:
        return [
            Route("/api/uploads", self.status.answer, methods=["GET"]),
            Route("/info", self.show_info, methods=["GET"]),
            Route("/archive.pub", self.show_archive_key, methods=["GET"]),
            Route("/.well-known/jwks.json", self.show_keys, methods=["GET"]),
            Route("/style.css", self.show_style, methods=["GET"]),
            Route("/health/live", self.live, methods=["GET"]),
            Route("/health/ready", self.ready, methods=["GET"]),
        ]

    async def home(self, _request: Request) -> Response:
        return _go(HOME)

    async def show_credentials(self, request: Request) -> Response:
        visit = await self.site.visit(request)
        inboxes = await self.site.waiting(self.grant.inboxes, visit.user)
        return self._page(
            "credentials",
            visit,
            inboxes=inboxes,
            forms=FORMS,
            offered=self.grant.inbox_url is not None,
            choices=self.grant.choices,
        )

    async def issue(self, request: Request) -> Response:
        visit = await self.site.visit(request)
        days = (await read_form(request, visit.session)).get("days", "")
        chosen = int(days) if days.isascii() and days.isdigit() and len(days) < 4 else 1
        issued = await self.site.waiting(self.grant.issue, visit.user, chosen)
        CREDENTIALS.labels("issued").inc()
        return _go(f"{HOME}#{issued.access_key}")

    async def revoke(self, request: Request) -> Response:
        visit = await self.site.visit(request)
        await read_form(request, visit.session)
        await self.site.waiting(self.grant.revoke, visit.user, request.path_params["key"])
        CREDENTIALS.labels("revoked").inc()
        return _go(HOME)

    async def configuration(self, request: Request) -> Response:
        """Give the configuration of a client as a file."""
        visit = await self.site.visit(request)
        form = FORMS.get(request.path_params["form"])
        if form is None:
            raise NoSuchCredentials
        inbox = await self.site.waiting(self.grant.inbox, visit.user, request.path_params["key"])
        return PlainTextResponse(form.write(inbox), headers=_as_file(form.file_name))

    async def show_token(self, request: Request) -> Response:
        visit = await self.site.visit(request)
        await read_form(request, visit.session)
        CREDENTIALS.labels("token").inc()
        minutes = int(self.grant.token_life.total_seconds() // 60)
        return self._page("token", visit, issued=self.grant.token(visit.user), minutes=minutes)

    async def show_uploads(self, request: Request) -> Response:
        visit = await self.site.visit(request)
        query, faulty = request.query_params, request.query_params.get("show") == "problems"
        page = await self.site.waiting(self.uploads.page, visit.user, after=query.get("after"), faulty=faulty)
        return self._page("uploads", visit, page=page, faulty=faulty, meanings=MEANINGS)

    async def show_info(self, _request: Request) -> Response:
        return JSONResponse(self.info)

    async def show_archive_key(self, _request: Request) -> Response:
        return PlainTextResponse(self.archive_key, headers=_as_file("archive.pub"))

    async def show_keys(self, _request: Request) -> Response:
        headers = {"Cache-Control": f"public, max-age={_JWKS_SECONDS}"}
        return JSONResponse({"keys": list(self.keys)}, headers=headers)

    async def show_style(self, _request: Request) -> Response:
        return Response(STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})

    async def live(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """Name what does not work; in what way is the operator's business and told at `/readyz` only."""
        report = await self.site.waiting(self.readiness.report)
        services = {name: "ok" if said == "ok" else "error" for name, said in report.checks.items()}
        content = {"status": "ok" if report.ready else "error", "services": services}
        return JSONResponse(content, status_code=200 if report.ready else 503)

    async def refuse(self, request: Request, error: Exception) -> Response:
        """Say what the user did wrong."""
        if isinstance(error, NotLoggedIn):
            return _go("/login")
        log.info("refused", reason=type(error).__name__)
        return self._problem(request, HTTPStatus.FORBIDDEN, str(error))

    async def fail(self, request: Request, error: Exception) -> Response:
        """Say that a server is away; which one is the operator's business."""
        log.error("not_answered", error=type(error).__name__, reason=str(error))
        response = self._problem(request, HTTPStatus.SERVICE_UNAVAILABLE, "The archive is busy. Try again in a minute.")
        response.headers["Retry-After"] = "60"
        return response

    async def missing(self, request: Request, error: Exception) -> Response:
        """Say that there is no such page, or not that way."""
        assert isinstance(error, HTTPException)
        status = HTTPStatus(error.status_code)
        return self._problem(request, status, "There is no such page here.")

    async def bug(self, request: Request, _error: Exception) -> Response:
        """Say that something went wrong; the server logs its trace."""
        words = "Something went wrong here. Try again; if it happens again, tell the archive's staff."
        return self._problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, words)

    def _page(self, name: str, visit: Visit, **values: Any) -> Response:  # noqa: ANN401 - what the template takes
        return self.pages.page(name, user=visit.user, token=form_token(visit.session), **values)

    def _problem(self, request: Request, status: HTTPStatus, words: str) -> Response:
        number = correlation_id(request.scope)
        return self.pages.page("problem", user=None, token="", status=status, words=words, number=number)


def _as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _go(where: str) -> Response:
    return RedirectResponse(where, status_code=HTTPStatus.SEE_OTHER)
