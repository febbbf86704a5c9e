"""Where browsers find this service, and who a browser belongs to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, ParamSpec, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request

from services.login.cookies import Cookie
from services.login.sessions import Sessions
from shared.errors import UserError

P = ParamSpec("P")
T = TypeVar("T")


class NotLoggedIn(UserError):
    """Log in first."""


class Visit(NamedTuple):
    """A browser whose user has logged in; `session` is what it keeps."""

    user: str
    session: str


@dataclass(frozen=True, kw_only=True)
class Site:
    """What all routes share. `url` is asked for when it is needed: the port may be known later than the site is.

    threads: those that may wait for servers at the same time.
    """

    url: Callable[[], str]
    secure: bool
    behind_proxy: bool
    sessions: Sessions
    threads: CapacityLimiter

    @property
    def session_cookie(self) -> Cookie:
        """Keeps a session."""
        return Cookie("strongroom-session", self.secure)

    @property
    def browser_cookie(self) -> Cookie:
        """Keeps the mark of a browser before log-in."""
        return Cookie("strongroom-browser", self.secure)

    async def visit(self, request: Request) -> Visit:
        """Return who asks. Raises NotLoggedIn."""
        session = self.session_cookie.of(request)
        user = None if session is None else await self.waiting(self.sessions.user, session)
        if session is None or user is None:
            raise NotLoggedIn
        return Visit(user, session)

    async def waiting(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Do on a thread what waits for servers."""
        return await run_sync(lambda: work(*args, **named), limiter=self.threads)

    def address(self, request: Request) -> str:
        """Return where a browser is."""
        forwarded = request.headers.get("x-forwarded-for", "") if self.behind_proxy else ""
        return forwarded.rpartition(",")[2].strip() or (request.client.host if request.client else "")
