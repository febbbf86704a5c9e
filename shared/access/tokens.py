"""Access tokens: signed JWTs (RFC 7519), issued by us or by a log-in service whose key we know."""

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from shared.access.settings import AccessSettings
from shared.database.types import now
from shared.errors import ConfigurationError, UserError

ISSUER = "strongroom"
LEEWAY = timedelta(seconds=10)
"""Difference of clocks that is forgiven."""

_SMALLEST_RSA = 2048
_LONGEST_NAME = 255

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
_PRIVATE = ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey


class NotAuthenticated(UserError):
    """There is no valid access token."""


class TokenIssuer:
    """Signs tokens with a private key: P-256, PEM. Raises ConfigurationError for another kind."""

    def __init__(self, private_key_pem: bytes) -> None:
        key = _load(private_key_pem)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ConfigurationError("tokens are signed with an unencrypted P-256 private key in PEM form")
        self._key = key
        self._header = {"kid": key_id(key.public_key())}

    def issue(self, user: str, ttl: timedelta) -> str:
        """Return a token that says for `ttl` that its bearer is `user`."""
        at = now()
        claims = {"iss": ISSUER, "sub": user, "iat": at, "nbf": at, "exp": at + ttl, "jti": str(uuid4())}
        return jwt.encode(claims, self._key, algorithm="ES256", headers=self._header)


@dataclass(frozen=True)
class _TrustedKey:
    """A key and the one algorithm it is good for: a token has no say in that (RFC 8725, section 3.1)."""

    key: PublicKey
    algorithm: str
    kid: str


class TokenVerifier:
    """Knows the public keys of those who sign tokens; signature and expiry are never optional.

    issuers, audiences: the values of `iss` and `aud` that are accepted; empty: any, and a token without is fine.
    """

    def __init__(
        self, keys: Iterable[PublicKey], *, issuers: Sequence[str] = (), audiences: Sequence[str] = ()
    ) -> None:
        self._keys = [_TrustedKey(key, _algorithm(key), key_id(key)) for key in keys]
        self._issuers = list(issuers) or None
        self._audiences = list(audiences) or None
        required = ["exp", "sub", *(["iss"] if issuers else [])]
        self._options: Any = {"require": required, "verify_aud": bool(audiences)}

    def verify(self, token: str) -> str:
        """Return the subject of a token. Raises NotAuthenticated, which never says why or repeats the token."""
        for trusted in self._candidates(token):
            try:
                return self._subject(token, trusted)
            except jwt.InvalidSignatureError:
                continue
            except jwt.PyJWTError:
                break
        raise NotAuthenticated

    def _candidates(self, token: str) -> list[_TrustedKey]:
        """Return the keys to try: the one that the token names; all where it names none, or by a name of others."""
        try:
            header = jwt.get_unverified_header(token)
        # it is parsed before any signature is checked, and nested brackets exhaust the parser's stack
        except (jwt.PyJWTError, RecursionError, ValueError):
            raise NotAuthenticated from None
        fitting = [trusted for trusted in self._keys if trusted.algorithm == header.get("alg")]
        return [trusted for trusted in fitting if trusted.kid == header.get("kid")] or fitting

    def _subject(self, token: str, trusted: _TrustedKey) -> str:
        claims = jwt.decode(
            token,
            trusted.key,
            algorithms=[trusted.algorithm],
            options=self._options,
            issuer=self._issuers,
            audience=self._audiences,
            leeway=LEEWAY,
        )
        subject = str(claims["sub"])
        if not 0 < len(subject) <= _LONGEST_NAME or not subject.isprintable():
            raise NotAuthenticated
        return subject


def key_id(key: PublicKey) -> str:
    """Return the `kid` of a key: its thumbprint (RFC 7638)."""
    jwk = dict(jwt.get_algorithm_by_name(_algorithm(key)).to_jwk(key, as_dict=True))
    members = {name: jwk[name] for name in ("crv", "e", "kty", "n", "x", "y") if name in jwk}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def read_key(path: Path) -> PublicKey:
    """Read a public key from a PEM file, or the public part of a private one. Raises ConfigurationError."""
    try:
        key = _load(path.read_bytes())
        public: PublicKey = key.public_key() if isinstance(key, _PRIVATE) else key
        _algorithm(public)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}; check the path and its permissions") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    return public


def token_verifier(settings: AccessSettings) -> TokenVerifier:
    """Return the verifier that the settings describe. Raises ConfigurationError."""
    keys = [read_key(path) for path in settings.token_keys]
    return TokenVerifier(keys, issuers=settings.token_issuers, audiences=settings.token_audiences)


def _load(pem: bytes) -> Any:  # noqa: ANN401 - any kind of key that the library knows
    try:
        return load_pem_private_key(pem, None) if b"PRIVATE KEY" in pem else load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError("not a readable key: it has to be in PEM form, without passphrase") from error


def _algorithm(key: object) -> str:
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return "ES256"
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _SMALLEST_RSA:
        return "RS256"
    raise ConfigurationError(f"a key of tokens is P-256, or RSA of {_SMALLEST_RSA} bits and more")
