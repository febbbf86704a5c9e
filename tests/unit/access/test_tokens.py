"""Access tokens: ours are believed, and nothing that merely looks like one is."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from shared.access.settings import AccessSettings
from shared.access.signing_keys import key_id, read_key
from shared.access.tokens import NotAuthenticated, TokenIssuer, TokenVerifier, token_verifier
from shared.database.types import now
from shared.errors import ConfigurationError, UserError

HOUR = timedelta(hours=1)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
VERIFIER = TokenVerifier([EC_KEY.public_key(), RSA_KEY.public_key()])
USER = "reader@example.org"


def private_pem(key: Any) -> bytes:
    pkcs8 = serialization.PrivateFormat.PKCS8
    return bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption()))


def public_pem(key: Any) -> bytes:
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_key().public_bytes(serialization.Encoding.PEM, spki))


def signed(key: Any = EC_KEY, algorithm: str = "ES256", headers: dict[str, Any] | None = None, **changes: Any) -> str:
    claims = {"iss": "http://login", "sub": USER, "exp": now() + HOUR, **changes}
    return jwt.encode({n: v for n, v in claims.items() if v is not None}, key, algorithm=algorithm, headers=headers)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def by_hand(header: dict[str, Any], signature: bytes | None = None, secret: bytes = b"") -> str:
    claims = {"sub": USER, "exp": int((now() + HOUR).timestamp())}
    text = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    if signature is None:
        signature = hmac.digest(secret, text.encode(), hashlib.sha256)
    return f"{text}.{b64(signature)}"


def refused(token: str, verifier: TokenVerifier = VERIFIER) -> None:
    with pytest.raises(NotAuthenticated) as refusal:
        verifier.verify(token)
    assert str(refusal.value) == "There is no valid access token."


def test_issued_token_is_believed() -> None:
    token = TokenIssuer(private_pem(EC_KEY)).issue(USER, HOUR)
    assert VERIFIER.verify(token) == USER
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims.keys() == {"iss", "sub", "iat", "nbf", "exp", "jti"}
    assert (claims["iss"], claims["exp"] - claims["nbf"]) == ("strongroom", 3600)
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "typ": "JWT", "kid": key_id(EC_KEY.public_key())}


@pytest.mark.parametrize(("key", "algorithm"), [(EC_KEY, "ES256"), (RSA_KEY, "RS256")])
@pytest.mark.parametrize("headers", [None, {"kid": "what the log-in service calls it"}])
def test_tokens_of_a_known_key_are_believed_whatever_it_is_called(
    key: Any, algorithm: str, headers: dict[str, Any] | None
) -> None:
    assert VERIFIER.verify(signed(key, algorithm, headers)) == USER


def test_unsigned_tokens_are_refused() -> None:
    for name in ("none", "None", "NONE", ""):
        refused(by_hand({"alg": name, "typ": "JWT"}, b""))
    refused(by_hand({"typ": "JWT"}, b""))


@pytest.mark.parametrize("key", [EC_KEY, RSA_KEY])
@pytest.mark.parametrize(
    "kid", [None, key_id(EC_KEY.public_key()), key_id(RSA_KEY.public_key())], ids=["no kid", "of EC", "of RSA"]
)
def test_public_key_is_no_hmac_secret(key: Any, kid: str | None) -> None:
    header = {"alg": "HS256", "typ": "JWT"} | ({"kid": kid} if kid else {})
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    for secret in (public_pem(key), public_pem(key).strip(), der):
        refused(by_hand(header, secret=secret))


def test_other_algorithms_of_a_known_key_are_refused() -> None:
    for algorithm in ("RS512", "PS256"):
        refused(signed(RSA_KEY, algorithm))


def test_unknown_keys_are_refused_under_any_name() -> None:
    for headers in (None, {"kid": "unknown"}, {"kid": key_id(EC_KEY.public_key())}):
        refused(signed(OTHER_EC_KEY, headers=headers))


def test_name_of_one_known_key_does_not_vouch_for_another() -> None:
    verifier = TokenVerifier([EC_KEY.public_key(), OTHER_EC_KEY.public_key()])
    refused(signed(EC_KEY, headers={"kid": key_id(OTHER_EC_KEY.public_key())}), verifier)
    assert verifier.verify(signed(OTHER_EC_KEY)) == USER


def test_key_that_a_token_brings_along_is_not_trusted() -> None:
    jwk = json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(OTHER_EC_KEY.public_key()))
    refused(signed(OTHER_EC_KEY, headers={"jwk": jwk, "jku": "http://127.0.0.1:1/", "x5u": "http://127.0.0.1:1/"}))


def test_tampered_tokens_are_refused() -> None:
    head, body, signature = signed().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = b64(json.dumps({**claims, "sub": "another@example.org"}).encode())
    refused(f"{head}.{forged}.{signature}")
    refused(f"{head}.{body}.{signature[:-6]}AAAAAA")
    refused(f"{head}.{body}.")
    refused(f"{head}.{body}")


def test_time_is_never_optional() -> None:
    refused(signed(exp=now() - timedelta(minutes=1)))
    refused(signed(nbf=now() + timedelta(minutes=1)))
    refused(signed(exp=None))
    refused(signed(exp="soon"))


def test_clocks_may_differ_by_seconds() -> None:
    assert VERIFIER.verify(signed(exp=now() - timedelta(seconds=3), nbf=now() + timedelta(seconds=3))) == USER


def test_audiences_are_checked_where_there_is_a_list() -> None:
    verifier = TokenVerifier([EC_KEY.public_key()], audiences=["strongroom", "archive"])
    assert verifier.verify(signed(aud=["archive", "other"])) == USER
    refused(signed(aud="other"), verifier)
    refused(signed(), verifier)
    assert VERIFIER.verify(signed(aud="anything")) == USER


def test_issuers_are_checked_where_there_is_a_list() -> None:
    verifier = TokenVerifier([EC_KEY.public_key()], issuers=["http://login"])
    assert verifier.verify(signed()) == USER
    refused(signed(iss="http://other"), verifier)
    refused(signed(iss="http://login/"), verifier)
    refused(signed(iss=None), verifier)
    assert VERIFIER.verify(signed(iss=None)) == USER


@pytest.mark.parametrize("subject", [None, "", "a\x00b", "a\nb", "x" * 256, 17, ["reader"]])
def test_subject_has_to_be_a_plain_name(subject: Any) -> None:
    claims = {"sub": subject, "exp": int((now() + HOUR).timestamp())}
    text = b64(json.dumps({"alg": "ES256"}).encode()) + "." + b64(json.dumps(claims).encode())
    signature = jwt.get_algorithm_by_name("ES256").sign(text.encode(), EC_KEY)
    refused(f"{text}.{b64(signature)}")


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "a.b.c", "é.é.é", b64(b"[" * 9000) + ".e30.AA", b64(b"[]") + ".e30.AA", "A" * 60_000],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    refused(token)


def test_refusal_is_the_users_fault() -> None:
    assert issubclass(NotAuthenticated, UserError)


def test_private_and_public_files_give_the_same_key(tmp_path: Path) -> None:
    (tmp_path / "private.pem").write_bytes(private_pem(EC_KEY))
    (tmp_path / "public.pem").write_bytes(public_pem(EC_KEY))
    (tmp_path / "rsa.pem").write_bytes(private_pem(RSA_KEY))
    for name in ("private.pem", "public.pem"):
        settings = AccessSettings(token_keys=(tmp_path / name, tmp_path / "rsa.pem"), token_issuers=("http://login",))
        assert token_verifier(settings).verify(signed()) == USER
        assert token_verifier(settings).verify(signed(RSA_KEY, "RS256")) == USER
        refused(signed(iss="http://other"), token_verifier(settings))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        public_pem(ec.generate_private_key(ec.SECP384R1())),
        private_pem(ed25519.Ed25519PrivateKey.generate()),
        public_pem(rsa.generate_private_key(65537, 1024)),
    ],
)
def test_other_keys_are_told_with_their_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"key\.pem: "):
        read_key(path)


def test_missing_key_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        read_key(tmp_path / "none.pem")


def test_only_p256_private_keys_sign() -> None:
    for pem in (public_pem(EC_KEY), private_pem(RSA_KEY), b"none"):
        with pytest.raises(ConfigurationError):
            TokenIssuer(pem)


def test_key_id_is_the_thumbprint_of_rfc_7638() -> None:
    # the example of section 3.1
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3o"
        "knjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZH"
        "zu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEg"
        "U8awapJzKnqDKgw"
    )
    numbers = rsa.RSAPublicNumbers(65537, int.from_bytes(base64.urlsafe_b64decode(modulus + "=="), "big"))
    assert key_id(numbers.public_key()) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
