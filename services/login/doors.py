"""The routes by which users come and go."""

from dataclasses import dataclass
from http import HTTPStatus

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.login.authorize import Answer, Authorize
from services.login.errors import LoginExpired, ProviderRefused, WrongPassword
from services.login.forms import read_form
from services.login.metrics import LOGINS
from services.login.opaque import form_token, new_opaque
from services.login.pages import Pages
from services.login.sign_in import SignIn
from services.login.site import NotLoggedIn, Site
from shared.access.attempts import TooManyAttempts
from shared.errors import UserError

HOME = "/credentials"
"""Where users are led after log-in; nothing in a request leads them elsewhere."""


@dataclass(frozen=True, kw_only=True)
class Doors:
    """Log in by password or provider, log out. `passwords`: how many are checked at the same time."""

    site: Site
    pages: Pages
    sign_in: SignIn
    authorize: Authorize | None
    provider_label: str
    passwords: CapacityLimiter

    async def form(self, request: Request) -> Response:
        """Show the log-in page, or go on for those who have logged in."""
        try:
            await self.site.visit(request)
        except NotLoggedIn:
            return self._form(request)
        return _go(HOME)

    async def by_password(self, request: Request) -> Response:
        """Log in with name and password."""
        browser = self.site.browser_cookie.of(request)
        fields = await read_form(request, browser)
        name, password, address = fields.get("name", ""), fields.get("password", ""), self.site.address(request)
        try:
            user = await run_sync(self.sign_in, name.strip(), password, address, limiter=self.passwords)
        except UserError as refusal:
            LOGINS.labels("refused").inc()
            return self._form(request, refusal, name)
        LOGINS.labels("password").inc()
        return await self._enter(request, user)

    async def to_provider(self, _request: Request) -> Response:
        """Send the browser to the provider."""
        browser = new_opaque()
        url = await self.site.waiting(self._authorize.begin, browser, self._callback)
        response = _go(url)
        self.site.browser_cookie.give(response, browser)
        return response

    async def from_provider(self, request: Request) -> Response:
        """Take the browser back from the provider."""
        browser, query = self.site.browser_cookie.of(request), request.query_params
        try:
            if browser is None or not query.get("state"):
                raise LoginExpired
            if not query.get("code"):
                raise ProviderRefused
            answer = Answer(query["code"], query["state"], query.get("iss"))
            user = await self.site.waiting(self._authorize.finish, browser, answer, self._callback)
        except UserError as refusal:
            LOGINS.labels("refused").inc()
            return self._form(request, refusal)
        LOGINS.labels("provider").inc()
        return await self._enter(request, user)

    async def leave(self, request: Request) -> Response:
        """Log out."""
        session = self.site.session_cookie.of(request)
        await read_form(request, session)
        if session is not None:
            await self.site.waiting(self.site.sessions.end, session)
        response = _go("/login")
        self.site.session_cookie.take(response)
        return response

    @property
    def _authorize(self) -> Authorize:
        if self.authorize is None:
            raise ProviderRefused
        return self.authorize

    @property
    def _callback(self) -> str:
        return f"{self.site.url()}/oidc/callback"

    async def _enter(self, request: Request, user: str) -> Response:
        former = self.site.session_cookie.of(request)
        session = await self.site.waiting(self.site.sessions.begin, user, former)
        response = _go(HOME)
        self.site.session_cookie.give(response, session, self.site.sessions.life)
        self.site.browser_cookie.take(response)
        return response

    def _form(self, request: Request, refusal: UserError | None = None, name: str = "") -> Response:
        browser = self.site.browser_cookie.of(request) or new_opaque()
        response = self.pages.page(
            "login",
            user=None,
            token=form_token(browser),
            status=_status(refusal),
            refusal=None if refusal is None else str(refusal),
            name=name[:64],
            provider=self.provider_label if self.authorize else None,
        )
        self.site.browser_cookie.give(response, browser)
        return response


def _status(refusal: UserError | None) -> HTTPStatus:
    match refusal:
        case None:
            return HTTPStatus.OK
        case TooManyAttempts():
            return HTTPStatus.TOO_MANY_REQUESTS
        case WrongPassword():
            return HTTPStatus.UNAUTHORIZED
    return HTTPStatus.FORBIDDEN


def _go(where: str) -> Response:
    return RedirectResponse(where, status_code=HTTPStatus.SEE_OTHER)
