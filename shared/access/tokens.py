"""Access tokens: signed JWTs (RFC 7519), issued by us or by a log-in service whose keys we know."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from shared.access.jwks import IssuerKeys
from shared.access.settings import AccessSettings
from shared.access.signing_keys import PublicKey, TrustedKey, fitting_keys, key_id, load_pem, read_key, trusted_key
from shared.database.types import now
from shared.errors import ConfigurationError, UserError

ISSUER = "strongroom"
LEEWAY = timedelta(seconds=10)
"""Difference of clocks that is forgiven."""

_LONGEST_NAME = 255


class NotAuthenticated(UserError):
    """There is no valid access token."""


class TokenIssuer:
    """Signs tokens with a private key: P-256, PEM. Raises ConfigurationError for another kind."""

    def __init__(self, private_key_pem: bytes) -> None:
        key = load_pem(private_key_pem)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ConfigurationError("tokens are signed with an unencrypted P-256 private key in PEM form")
        self._key = key
        self._header = {"kid": key_id(key.public_key())}

    def issue(self, user: str, ttl: timedelta, *, issuer: str = ISSUER) -> str:
        """Return a token that says for `ttl` that its bearer is `user`."""
        at = now()
        claims = {"iss": issuer, "sub": user, "iat": at, "nbf": at, "exp": at + ttl, "jti": str(uuid4())}
        return jwt.encode(claims, self._key, algorithm="ES256", headers=self._header)


class TokenVerifier:
    """Knows the public keys of those who sign tokens; signature and expiry are never optional.

    keys: sign for any of `issuers`; empty: for any at all.
    published: keys that issuers publish; each set is good for the tokens of its own issuer alone.
    audiences: values of `aud` that are accepted; empty: any, and a token without is fine.
    """

    def __init__(
        self,
        keys: Iterable[PublicKey] = (),
        *,
        issuers: Sequence[str] = (),
        audiences: Sequence[str] = (),
        published: Iterable[IssuerKeys] = (),
    ) -> None:
        self._keys = [trusted_key(key) for key in keys]
        self._issuers = list(issuers)
        self._audiences = list(audiences) or None
        self._published = {source.issuer: source for source in published}

    def is_prepared(self, token: str) -> bool:
        """Tell whether `verify` can say at once what it thinks of a token, without asking its issuer for keys."""
        source = self._source(token)
        return source is None or not source.must_ask(_header(token))

    def verify(self, token: str) -> str:
        """Return the subject of a token; if its issuer has to be asked for keys, that takes seconds.

        Raises NotAuthenticated, which never says why or repeats the token.
        """
        return subject_of(self.claims(token))

    def claims(self, token: str) -> dict[str, Any]:
        """Return all that a token says, `exp` and `sub` among it. Raises NotAuthenticated, and may take seconds."""
        header = _header(token)
        source = self._source(token)
        if source is not None:
            source.refresh(header)
        for trusted, issuers in self._candidates(header, source):
            try:
                return self._claims(token, trusted, issuers)
            except jwt.InvalidSignatureError:
                continue
            except jwt.PyJWTError:
                break
        raise NotAuthenticated

    def _candidates(self, header: dict[str, Any], source: IssuerKeys | None) -> Iterator[tuple[TrustedKey, list[str]]]:
        """Yield the keys to try, and for whom each may sign."""
        if source is not None:
            yield from ((key, [source.issuer]) for key in source.candidates(header))
        yield from ((key, self._issuers) for key in fitting_keys(self._keys, header))

    def _source(self, token: str) -> IssuerKeys | None:
        """Return the published keys of the issuer that a token names; so far nobody has vouched for that name."""
        return self._published.get(_unverified_issuer(token)) if self._published else None

    def _claims(self, token: str, trusted: TrustedKey, issuers: list[str]) -> dict[str, Any]:
        options: Any = {"require": ["exp", "sub", *(["iss"] if issuers else [])], "verify_aud": bool(self._audiences)}
        return jwt.decode(
            token,
            trusted.key,
            algorithms=[trusted.algorithm],
            options=options,
            issuer=issuers or None,
            audience=self._audiences,
            leeway=LEEWAY,
        )


def subject_of(claims: Mapping[str, Any]) -> str:
    """Return the name of whom claims are about. Raises NotAuthenticated for one that is none."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_NAME or not subject.isprintable():
        raise NotAuthenticated
    return subject


def token_verifier(settings: AccessSettings) -> TokenVerifier:
    """Return the verifier that the settings describe. Raises ConfigurationError."""
    if not settings.token_keys and not settings.token_jwks:
        raise ConfigurationError("STRONGROOM_TOKEN_KEYS, STRONGROOM_TOKEN_JWKS: one of them has to be set")
    keep = timedelta(hours=settings.token_jwks_keep_hours)
    return TokenVerifier(
        [read_key(path) for path in settings.token_keys],
        issuers=settings.token_issuers,
        audiences=settings.token_audiences,
        published=[IssuerKeys(issuer, url, keep=keep) for issuer, url in settings.token_jwks.items()],
    )


def _header(token: str) -> dict[str, Any]:
    # it is parsed before any signature is checked, and nested brackets exhaust the parser's stack
    try:
        return dict(jwt.get_unverified_header(token))
    except (jwt.PyJWTError, RecursionError, ValueError):
        raise NotAuthenticated from None


def _unverified_issuer(token: str) -> str:
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, RecursionError, ValueError):
        raise NotAuthenticated from None
    issuer = claims.get("iss")
    return issuer if isinstance(issuer, str) else ""
