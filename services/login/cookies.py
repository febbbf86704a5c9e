"""The two things that browsers keep for us: a session, and a mark of the browser itself before there is one."""

from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

_LONGEST = 128


@dataclass(frozen=True)
class Cookie:
    """One cookie: never shown to scripts, and never sent along when another site posts something here.

    Over TLS its name begins with `__Host-`: then browsers take it from this host alone, and only over TLS.
    """

    name: str
    secure: bool

    @property
    def full_name(self) -> str:
        return f"__Host-{self.name}" if self.secure else self.name

    def of(self, request: Request) -> str | None:
        """Return what the browser keeps, if it can be ours."""
        value = request.cookies.get(self.full_name, "")
        return value if 0 < len(value) <= _LONGEST and value.isascii() else None

    def give(self, response: Response, opaque: str, life: timedelta | None = None) -> None:
        """Let the browser keep something, until it is closed or for a time."""
        seconds = None if life is None else int(life.total_seconds())
        response.set_cookie(
            self.full_name, opaque, max_age=seconds, path="/", secure=self.secure, httponly=True, samesite="lax"
        )

    def take(self, response: Response) -> None:
        """Let the browser forget it."""
        response.delete_cookie(self.full_name, path="/", secure=self.secure, httponly=True, samesite="lax")
