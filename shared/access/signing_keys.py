"""Keys that sign tokens: each is good for one algorithm, and has a name, its `kid`."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from shared.errors import ConfigurationError

_SMALLEST_RSA = 2048

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
_PRIVATE = ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey


@dataclass(frozen=True)
class TrustedKey:
    """A key and the one algorithm it is good for: a token has no say in that (RFC 8725, section 3.1)."""

    key: PublicKey
    algorithm: str
    kid: str


def trusted_key(key: PublicKey, kid: str | None = None) -> TrustedKey:
    """Return a key with its algorithm, and with its thumbprint for a name if it has none. Raises ConfigurationError."""
    return TrustedKey(key, algorithm_of(key), kid or key_id(key))


def fitting_keys(keys: Iterable[TrustedKey], header: Mapping[str, Any]) -> list[TrustedKey]:
    """Return the keys to try: the one that a token names; all where it names none, or by a name of others."""
    fitting = [trusted for trusted in keys if trusted.algorithm == header.get("alg")]
    return [trusted for trusted in fitting if trusted.kid == header.get("kid")] or fitting


def algorithm_of(key: object) -> str:
    """Return ES256 or RS256. Raises ConfigurationError for keys that are good for neither."""
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return "ES256"
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _SMALLEST_RSA:
        return "RS256"
    raise ConfigurationError(f"a key of tokens is P-256, or RSA of {_SMALLEST_RSA} bits and more")


def key_id(key: PublicKey) -> str:
    """Return the `kid` of a key: its thumbprint (RFC 7638)."""
    jwk = public_jwk(key)
    members = {name: jwk[name] for name in ("crv", "e", "kty", "n", "x", "y") if name in jwk}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def public_jwk(key: PublicKey) -> dict[str, Any]:
    """Return a key as a JWK (RFC 7517), without a name."""
    return dict(jwt.get_algorithm_by_name(algorithm_of(key)).to_jwk(key, as_dict=True))


def read_key(path: Path) -> PublicKey:
    """Read a public key from a PEM file, or the public part of a private one. Raises ConfigurationError."""
    try:
        key = load_pem(path.read_bytes())
        public: PublicKey = key.public_key() if isinstance(key, _PRIVATE) else key
        algorithm_of(public)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}; check the path and its permissions") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    return public


def load_pem(pem: bytes) -> Any:  # noqa: ANN401 - any kind of key that the library knows
    """Read a private or a public key. Raises ConfigurationError."""
    try:
        return load_pem_private_key(pem, None) if b"PRIVATE KEY" in pem else load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError("not a readable key: it has to be in PEM form, without passphrase") from error
