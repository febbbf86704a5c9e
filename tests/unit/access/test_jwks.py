"""Keys that issuers publish: asked for when needed and not more often, believed for their own issuer alone."""

import base64
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from shared.access import jwks
from shared.access.jwks import IssuerKeys
from shared.access.settings import AccessSettings
from shared.access.signing_keys import key_id, public_jwk
from shared.access.tokens import NotAuthenticated, TokenVerifier, token_verifier
from shared.database.types import now
from shared.errors import ConfigurationError

HOUR = timedelta(hours=1)
EC_KEY, NEW_EC_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
RSA_KEY = rsa.generate_private_key(65537, 2048)
USER = "reader@example.org"


class Issuer:
    """An issuer of tokens: its HTTP server, its keys, and how often it was asked for them."""

    def __init__(self) -> None:
        self.answer: bytes = b""
        self.status = 200
        self.asked = 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                self.send_response(issuer.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(issuer.answer)))
                self.end_headers()
                self.wfile.write(issuer.answer)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.name = f"http://127.0.0.1:{self._server.server_port}"
        self.url = f"{self.name}/jwks"

    def publish(self, *entries: Any) -> None:
        self.answer = json.dumps({"keys": list(entries)}).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def token(self, key: Any = EC_KEY, headers: dict[str, Any] | None = None, **changes: Any) -> str:
        claims = {"iss": self.name, "sub": USER, "exp": now() + HOUR, "aud": "strongroom", **changes}
        algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
        kid = {"kid": key_id(key.public_key())}
        return jwt.encode(claims, key, algorithm=algorithm, headers=kid if headers is None else headers)


class Clock:
    """Time that goes on when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    issuer.publish(entry(EC_KEY), entry(RSA_KEY))
    yield issuer
    issuer.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(jwks, "time", clock)
    return clock


def entry(key: Any, **changes: Any) -> dict[str, Any]:
    return {**public_jwk(key.public_key()), "kid": key_id(key.public_key()), "use": "sig", **changes}


def verifier(issuer: Issuer, **named: Any) -> TokenVerifier:
    return TokenVerifier(published=[IssuerKeys(issuer.name, issuer.url)], **named)


def refused(token: str, by: TokenVerifier) -> None:
    with pytest.raises(NotAuthenticated):
        by.verify(token)


def test_published_keys_are_asked_for_once(issuer: Issuer) -> None:
    ours = verifier(issuer)
    assert not ours.is_prepared(issuer.token())
    assert ours.verify(issuer.token()) == USER
    assert ours.is_prepared(issuer.token())
    assert ours.verify(issuer.token(RSA_KEY)) == USER
    assert ours.verify(issuer.token(headers={})) == USER, "without a name all keys of the algorithm are tried"
    assert issuer.asked == 1


def test_unknown_name_of_a_key_asks_once_and_not_again_for_a_while(issuer: Issuer, clock: Clock) -> None:
    ours = verifier(issuer)
    assert ours.verify(issuer.token()) == USER
    issuer.publish(entry(NEW_EC_KEY))
    refused(issuer.token(NEW_EC_KEY), ours)
    clock.seconds += jwks.PAUSE_SECONDS
    assert ours.verify(issuer.token(NEW_EC_KEY)) == USER
    refused(issuer.token(EC_KEY), ours)
    for number in range(50):
        refused(issuer.token(headers={"kid": f"guess {number}"}), ours)
    assert issuer.asked == 2


def test_withdrawn_key_is_believed_no_longer_than_answers_are_fresh(issuer: Issuer, clock: Clock) -> None:
    ours = verifier(issuer)
    assert ours.verify(issuer.token()) == USER
    issuer.publish(entry(NEW_EC_KEY))
    clock.seconds += jwks.FRESH_SECONDS + 1
    refused(issuer.token(), ours)


@pytest.mark.parametrize(
    ("status", "answer"),
    [(500, b""), (302, b""), (200, b"{"), (200, b"[]"), (200, b"{}"), (200, b"x" * 2**21), (200, b"[" * 100_000)],
    ids=["error", "redirection", "broken", "list", "no keys", "too long", "nested"],
)  # fmt: skip
def test_keys_outlive_an_issuer_that_does_not_answer_for_a_stated_time(
    issuer: Issuer, clock: Clock, status: int, answer: bytes
) -> None:
    ours = verifier(issuer)
    assert ours.verify(issuer.token()) == USER
    issuer.status, issuer.answer = status, answer
    clock.seconds += jwks.KEEP.total_seconds() - 1
    assert ours.verify(issuer.token()) == USER
    assert issuer.asked == 2
    clock.seconds += 2
    refused(issuer.token(), ours)


def test_issuer_that_is_away_from_the_start_vouches_for_nobody() -> None:
    issuer = Issuer()
    issuer.close()
    refused(issuer.token(), verifier(issuer))


def test_many_who_come_at_once_ask_once(issuer: Issuer) -> None:
    ours = verifier(issuer)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(ours.verify(issuer.token()))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (found, issuer.asked) == ([USER] * 20, 1)


def test_keys_of_one_issuer_do_not_sign_for_another(issuer: Issuer) -> None:
    other = Issuer()
    other.publish(entry(NEW_EC_KEY))
    published = [IssuerKeys(each.name, each.url) for each in (issuer, other)]
    both = TokenVerifier([RSA_KEY.public_key()], issuers=["strongroom"], published=published)
    assert both.verify(other.token(NEW_EC_KEY)) == USER
    refused(issuer.token(NEW_EC_KEY), both)
    refused(issuer.token(NEW_EC_KEY, headers={}), both)
    refused(other.token(RSA_KEY, headers={}), both)
    refused(other.token(EC_KEY, iss="strongroom"), both)
    assert both.verify(other.token(RSA_KEY, iss="strongroom")) == USER, "a key of a file signs for the issuers listed"
    other.close()


def test_issuer_that_nobody_named_is_not_asked(issuer: Issuer) -> None:
    ours = TokenVerifier(published=[IssuerKeys("https://login.example.org", issuer.url)])
    refused(issuer.token(), ours)
    for claim in (None, 17, ["https://login.example.org"], "https://login.example.org/", ""):
        refused(issuer.token(iss=claim) if isinstance(claim, str) else unchecked(claim), ours)
    assert issuer.asked == 0


def unchecked(issuer: object) -> str:
    """A token whose `iss` is no text, which the library would not sign."""
    token = jwt.api_jws.encode(json.dumps({"iss": issuer, "sub": USER, "exp": 2**40}).encode(), EC_KEY, "ES256")
    return str(token)


def test_address_that_a_token_brings_along_is_not_asked(issuer: Issuer) -> None:
    other = Issuer()
    other.publish(entry(NEW_EC_KEY))
    headers = {"jku": other.url, "x5u": other.url, "jwk": public_jwk(NEW_EC_KEY.public_key()), "kid": "new"}
    refused(issuer.token(NEW_EC_KEY, headers=headers), verifier(issuer))
    assert other.asked == 0
    other.close()


def test_algorithm_is_that_of_the_key(issuer: Issuer) -> None:
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = RSA_KEY.public_key().public_bytes(serialization.Encoding.PEM, spki)
    claims = {"iss": issuer.name, "sub": USER, "exp": 2**40}
    ours = verifier(issuer)
    refused(jwt.encode(claims, "", algorithm="none"), ours)
    refused(jwt.encode(claims, RSA_KEY, algorithm="PS256"), ours)
    text = ".".join(b64(json.dumps(part).encode()) for part in ({"alg": "HS256"}, claims))
    refused(f"{text}.{b64(hmac.digest(pem, text.encode(), 'sha256'))}", ours)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.mark.parametrize(
    "changes",
    [{"exp": now() - HOUR}, {"nbf": now() + HOUR}, {"aud": "other"}, {"aud": None}, {"sub": ""}],
    ids=["expired", "not yet valid", "other audience", "no audience", "no subject"],
)
def test_times_and_audience_are_checked(issuer: Issuer, changes: dict[str, Any]) -> None:
    ours = verifier(issuer, audiences=["strongroom"])
    assert ours.verify(issuer.token()) == USER
    token = {name: value for name, value in changes.items() if value is not None}
    refused(issuer.token(**token) if token else no_audience(issuer), ours)


def no_audience(issuer: Issuer) -> str:
    return jwt.encode({"iss": issuer.name, "sub": USER, "exp": now() + HOUR}, EC_KEY, algorithm="ES256")


@pytest.mark.parametrize(
    "strange",
    [
        17, {}, {"kty": "EC"}, {"kty": "oct", "k": "c2VjcmV0", "kid": "s"},
        entry(EC_KEY, use="enc"), entry(EC_KEY, alg="ES384"), entry(RSA_KEY, alg="RS512"), entry(EC_KEY, x="!"),
        {"kty": "EC", "crv": "P-384"},
    ],
)  # fmt: skip
def test_keys_that_are_good_for_nothing_are_left_out(issuer: Issuer, strange: Any) -> None:
    issuer.publish(strange, entry(NEW_EC_KEY))
    ours = verifier(issuer)
    assert ours.verify(issuer.token(NEW_EC_KEY)) == USER
    refused(issuer.token(EC_KEY), ours)
    refused(issuer.token(RSA_KEY), ours)


def test_settings_name_issuers_and_where_their_keys_are(issuer: Issuer) -> None:
    settings = AccessSettings(token_jwks={issuer.name: issuer.url})
    assert token_verifier(settings).verify(issuer.token()) == USER
    with pytest.raises(ConfigurationError, match="STRONGROOM_TOKEN_JWKS"):
        token_verifier(AccessSettings())
