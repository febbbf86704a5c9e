"""How a request for something small is answered: who asks, within their limits, and on record."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from services.outbox.asked import Head
from services.outbox.limits import ReaderLimits
from services.outbox.record import SERVICE, Recorder
from shared.access.audit import Access
from shared.access.grants import Reader
from shared.access.readers import Readers
from shared.errors import StrongroomError
from shared.http.correlation import correlation_id

Work = Callable[[Reader], Awaitable[Any]]


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Lets readers in."""

    readers: Readers
    limits: ReaderLimits
    record: Recorder

    async def answered(
        self, request: Request, action: str, target: str, work: Work, *, token: str | None = None
    ) -> Any:  # noqa: ANN401 - whatever the work gives
        """Find out who asks (by `token`, if it is not in the head), do the work for them, and keep a record of it.

        Raises NotAuthenticated, TooManyRequests, and what the work raises.
        """
        reader = await self.readers.reader(token or Head(request.scope["headers"]).token)
        access = Access(
            service=SERVICE,
            user=reader.user,
            action=action,
            target=target,
            correlation_id=correlation_id(request.scope),
        )
        with self.limits.place(reader.user):
            try:
                content = await work(reader)
            except StrongroomError as error:
                self.record.not_given(access, error)
                raise
        self.record.answered(access)
        return content


def base_of(request: Request, public_url: str | None) -> str:
    """Return the URL of this service: the one that readers are told, or else the one by which they asked."""
    return (public_url or f"{request.url.scheme}://{request.url.netloc}").rstrip("/")
