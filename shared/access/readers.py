"""Who asks, and what they have shown: from an access token to a reader, remembered for a while."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import structlog

from shared.access.grants import Reader
from shared.access.passports import PASSPORT, VISA
from shared.access.settings import PassportSettings
from shared.access.tokens import NotAuthenticated, TokenVerifier, subject_of, token_verifier
from shared.access.visas import Granted, Identity, VisaLimits, VisaReader
from shared.errors import ConfigurationError, TransientError
from shared.http.client import ask

log = structlog.get_logger(__name__)

MOST = 10_000
"""Readers who are remembered."""

_MISSED_SECONDS = 10.0
_LONGEST_TOKEN = 128 * 1024


@dataclass(frozen=True)
class Userinfo:
    """Where the log-in service `issuer` tells who the bearer of one of its tokens is (OpenID Connect Core, 5.3)."""

    issuer: str
    url: str

    def ask(self, token: str) -> Mapping[str, Any] | None:
        """Return what it says; None: it does not take the token. Raises TransientError."""
        answer = ask(self.url, headers={"Authorization": f"Bearer {token}"})
        if answer.status in {400, 401, 403}:
            return None
        if answer.status != 200:
            raise TransientError(f"the log-in service answered with status {answer.status}")
        said = answer.json()
        return said if isinstance(said, dict) else None


@dataclass(frozen=True, kw_only=True)
class Identify:
    """Finds out who the bearer of a token is; asks other servers, so call it on a thread that may wait.

    userinfo: None: visas stand in the token, and tokens that are not JWTs are refused.
    own_files: whether readers may read what they have submitted.
    seconds: for so long the answer may be used.
    """

    verifier: TokenVerifier
    visas: VisaReader | None
    userinfo: Userinfo | None
    own_files: bool
    seconds: float

    def __call__(self, token: str) -> Reader:
        """Return the reader. Raises NotAuthenticated, and TransientError when nobody can tell now."""
        if token.count(".") == 2:
            return self._of_jwt(token)
        if self.userinfo is None:
            raise NotAuthenticated
        said = self.userinfo.ask(token)
        if said is None:
            raise NotAuthenticated
        subject = subject_of(said)
        granted = self._granted(said.get(PASSPORT), Identity(self.userinfo.issuer, subject))
        return self._reader(subject, granted, time.time() + self.seconds)

    def _of_jwt(self, token: str) -> Reader:
        claims = self.verifier.claims(token)
        if VISA in claims:
            # whoever was shown a visa could use it, were it taken for an access token
            raise NotAuthenticated
        subject, issuer = subject_of(claims), str(claims.get("iss", ""))
        until = min(time.time() + self.seconds, float(claims["exp"]))
        passport = claims.get(PASSPORT)
        if passport is None and self.userinfo is not None and self.userinfo.issuer.rstrip("/") == issuer.rstrip("/"):
            try:
                passport = (self.userinfo.ask(token) or {}).get(PASSPORT)
            except TransientError as error:
                # what was granted here holds all the same
                log.warning("visas_not_asked", error=str(error))
                until = min(until, time.time() + _MISSED_SECONDS)
        return self._reader(subject, self._granted(passport, Identity(issuer, subject)), until)

    def _granted(self, passport: object, identity: Identity) -> list[Granted]:
        return self.visas.granted(passport, identity) if self.visas is not None and passport is not None else []

    def _reader(self, user: str, granted: list[Granted], until: float) -> Reader:
        return Reader(
            user=user,
            visas=tuple(sorted({grant.dataset for grant in granted})),
            owner=user if self.own_files else "",
            until=min([until, *(grant.until for grant in granted)]),
            visas_until=min((grant.until for grant in granted), default=0),
        )


class Readers:
    """Remembers who bears which token, by its digest; for an event loop."""

    def __init__(self, identify: Identify, threads: Executor, *, most: int = MOST) -> None:
        self._identify = identify
        self._threads = threads
        self._most = most
        self._known: OrderedDict[bytes, Reader] = OrderedDict()

    async def reader(self, token: str) -> Reader:
        """Return who bears a token. Raises NotAuthenticated, TransientError."""
        if not 0 < len(token) <= _LONGEST_TOKEN:
            raise NotAuthenticated
        key = hashlib.sha256(token.encode(errors="replace")).digest()
        known = self._known.get(key)
        if known is not None and known.until > time.time():
            return known
        found = await asyncio.get_running_loop().run_in_executor(self._threads, self._identify, token)
        self._known[key] = found
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return found


def identify(settings: PassportSettings, *, own_files: bool) -> Identify:
    """Return what finds out who asks, as the settings say. Raises ConfigurationError."""
    if (settings.userinfo_url is None) != (settings.userinfo_issuer is None):
        raise ConfigurationError("STRONGROOM_USERINFO_URL, STRONGROOM_USERINFO_ISSUER: set both of them, or none")
    userinfo = None
    if settings.userinfo_url is not None and settings.userinfo_issuer is not None:
        userinfo = Userinfo(settings.userinfo_issuer, settings.userinfo_url)
    limits = VisaLimits(visas=settings.visa_most, size=settings.visa_bytes, key_sets=settings.visa_key_sets)
    visas = VisaReader(
        settings.visa_issuers, binding=settings.visa_identity, ids=settings.visa_dataset_ids, limits=limits
    )
    return Identify(
        verifier=token_verifier(settings),
        visas=visas if settings.visa_issuers else None,
        userinfo=userinfo,
        own_files=own_files,
        seconds=settings.access_seconds,
    )
