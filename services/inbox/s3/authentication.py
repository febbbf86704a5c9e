"""Who asks: the holder of S3 credentials by a signature, or the bearer of a token, as the incumbent's clients are."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from services.inbox.s3.errors import S3Error
from services.inbox.s3.requests import S3Request
from services.inbox.s3.sigv4 import UNSIGNED, Claim, Signed, check_claim, read_claim
from shared.access.credentials import CredentialKeeper, S3Credentials
from shared.access.directory import Directory
from shared.access.tokens import NotAuthenticated, TokenVerifier
from shared.access.users import check_user_name
from shared.database.engine import Database
from shared.database.types import now
from shared.errors import UserError

T = TypeVar("T")

REMEMBERED_SECONDS = 5.0
"""So long an answer of the database about a user counts: whoever is disabled, or loses a key, is out after that."""
_MOST = 10_000


@dataclass(frozen=True)
class Caller:
    """A user, and how the request's body is signed: `mode` is `x-amz-content-sha256`."""

    user: str
    mode: str
    signed: Signed | None = None
    """the checked signature; None for the bearer of a token"""


class Waiting(Protocol):
    """Does work on a thread."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


class Authenticator:
    """Tells who asks; lives on one event loop.

    waiting: does on a thread what waits for database or key server.
    """

    def __init__(
        self,
        database: Database,
        directory: Directory,
        keeper: CredentialKeeper,
        verifier: TokenVerifier,
        waiting: Waiting,
    ) -> None:
        self._database = database
        self._directory = directory
        self._keeper = keeper
        self._verifier = verifier
        self._waiting = waiting
        self._credentials = _Memory[S3Credentials | None]()
        self._allowed = _Memory[bool]()

    async def caller(self, request: S3Request) -> Caller:
        """Return who asks. Raises S3Error, NotAuthenticated, DatabaseAway."""
        claim = read_claim(request)
        credentials = None if claim is None else await self._find(claim.access_key)
        if claim is not None and credentials is not None:
            return Caller(credentials.user, claim.payload, check_claim(request, claim, credentials.secret_key, now()))
        token = _token(request)
        if token is not None:
            return Caller(await self._bearer(token), _mode(request, claim))
        if claim is None:
            raise S3Error("AccessDenied", "sign your requests with the S3 credentials that you get by logging in")
        raise S3Error(
            "InvalidAccessKeyId", "this access key is unknown, or has expired or been revoked: log in for a new one"
        )

    async def _find(self, access_key: str) -> S3Credentials | None:
        found = self._credentials.get(access_key)
        if found is None:
            found = self._credentials.keep(access_key, await self._waiting(lambda: self._ask(access_key)))
        credentials = found.value
        return credentials if credentials is not None and credentials.expires_at > now() else None

    def _ask(self, access_key: str) -> S3Credentials | None:
        with self._database.read() as connection:
            return self._keeper.find(connection, access_key)

    async def _bearer(self, token: str) -> str:
        user = await self._waiting(lambda: self._verifier.verify(token))
        try:
            check_user_name(user)
        except UserError:
            raise NotAuthenticated from None
        found = self._allowed.get(user)
        if found is None:
            known = await self._waiting(lambda: self._directory.find(user))
            # somebody whom only the log-in service knows has the token to vouch for him
            found = self._allowed.keep(user, known is None or known.enabled)
        if not found.value:
            raise NotAuthenticated
        return user


def _token(request: S3Request) -> str | None:
    token = request.header("x-amz-security-token") or request.values.get("X-Amz-Security-Token")
    if token:
        return token
    scheme, _, bearer = (request.header("authorization") or "").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else None


def _mode(request: S3Request, claim: Claim | None) -> str:
    """Return how the body is signed; a request with nothing but a token has an unsigned one."""
    if claim is not None:
        return claim.payload
    return request.header("x-amz-content-sha256") or UNSIGNED


@dataclass(frozen=True)
class _Answer(Generic[T]):
    value: T
    until: float


class _Memory(Generic[T]):
    """Answers for a short time, the eldest forgotten first."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, _Answer[T]] = OrderedDict()

    def get(self, name: str) -> _Answer[T] | None:
        found = self._answers.get(name)
        return found if found is not None and found.until > time.monotonic() else None

    def keep(self, name: str, value: T) -> _Answer[T]:
        answer = _Answer(value, time.monotonic() + REMEMBERED_SECONDS)
        self._answers.pop(name, None)
        self._answers[name] = answer
        while len(self._answers) > _MOST:
            self._answers.popitem(last=False)
        return answer
