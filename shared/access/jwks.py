"""The keys that an issuer publishes (RFC 7517), at an address that the operator has named; a token names none."""

import threading
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import jwt
import structlog

from shared.access.metrics import KEY_FETCHES
from shared.access.signing_keys import TrustedKey, fitting_keys, trusted_key
from shared.errors import ConfigurationError, TransientError
from shared.http.client import get_json

log = structlog.get_logger(__name__)

FRESH_SECONDS = 300.0
"""So long the keys are used without asking again."""
PAUSE_SECONDS = 10.0
"""Least time between two questions, whatever tokens say."""
KEEP = timedelta(hours=24)
_MOST_KEYS = 64


class IssuerKeys:
    """The keys of one issuer: asked for when first needed, when they are old, and for a name that is unknown.

    keep: for so long after its last answer the keys of an issuer that doesn't answer are used.
    """

    def __init__(self, issuer: str, url: str, *, keep: timedelta = KEEP) -> None:
        self.issuer = issuer
        self._url = url
        self._keep = keep.total_seconds()
        self._keys: list[TrustedKey] = []
        self._answered = self._asked = float("-inf")
        self._lock = threading.Lock()

    def candidates(self, header: Mapping[str, Any]) -> list[TrustedKey]:
        """Return the keys that may have signed a token with this header, of those that are known now."""
        if time.monotonic() - self._answered > self._keep:
            return []
        kid = header.get("kid")
        known = [key for key in self._keys if kid is None or key.kid == kid]
        return fitting_keys(known, header)

    def must_ask(self, header: Mapping[str, Any]) -> bool:
        """Tell whether `refresh` would ask the issuer because of this header."""
        at = time.monotonic()
        if at - self._asked < PAUSE_SECONDS:
            return False
        kid = header.get("kid")
        return at - self._answered > FRESH_SECONDS or not any(kid in (None, key.kid) for key in self._keys)

    def refresh(self, header: Mapping[str, Any]) -> None:
        """Ask the issuer if there is a reason to; wait for an answer that somebody else asks for. Takes seconds."""
        with self._lock:
            if self.must_ask(header):
                self._ask()

    def _ask(self) -> None:
        self._asked = time.monotonic()
        try:
            self._keys = parse_jwks(get_json(self._url))
        except TransientError as error:
            KEY_FETCHES.labels("failed").inc()
            log.warning("issuer_keys_not_refreshed", error=str(error))
            return
        self._answered = self._asked
        KEY_FETCHES.labels("answered").inc()


def parse_jwks(content: object) -> list[TrustedKey]:
    """Return the keys of a JWK set that sign what we take; others are left out. Raises TransientError for no set."""
    keys = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(keys, list):
        raise TransientError("the answer is no set of keys")
    return list(_usable(keys[:_MOST_KEYS]))


def _usable(entries: list[Any]) -> Iterator[TrustedKey]:
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        try:
            key = trusted_key(jwt.PyJWK(entry).key, entry.get("kid"))
        except (jwt.PyJWTError, ConfigurationError, ValueError, TypeError, KeyError):
            continue
        if entry.get("alg", key.algorithm) == key.algorithm:
            yield key
