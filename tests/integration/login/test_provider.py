"""Log-in at an OpenID provider: a certified one for what goes right, one that lies for what goes wrong."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.access.signing_keys import key_id, public_jwk
from shared.database.types import now
from tests.integration.login.host import LoginHost
from tests.integration.login.liar import CLIENT_ID, Liar
from tests.integration.login.visitor import Visitor, text_of

KEY = rsa.generate_private_key(65537, 2048)


@pytest.fixture
def liar() -> Iterator[Liar]:
    with Liar(KEY) as liar:
        yield liar


@pytest.fixture
def settings(liar: Liar) -> dict[str, Any]:
    return {
        "oidc_issuer": liar.issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": liar.secret,
        "login_url": "http://login.example.org",
    }


def begin(visitor: Visitor) -> dict[str, str]:
    """Begin a log-in; return what the provider is asked."""
    answer = visitor.get("/oidc")
    assert answer.status == 303, text_of(answer)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def finish(visitor: Visitor, asked: dict[str, str], **changes: str) -> Any:
    answer = {"code": "the code", "state": asked["state"], **changes}
    return visitor.get("/oidc/callback?" + "&".join(f"{name}={value}" for name, value in answer.items() if value))


def test_code_flow_with_pkce_state_and_nonce_lets_in(host: LoginHost, visitor: Visitor, liar: Liar) -> None:
    asked = begin(visitor)
    assert (asked["response_type"], asked["code_challenge_method"], asked["client_id"]) == ("code", "S256", CLIENT_ID)
    assert asked["redirect_uri"] == "http://login.example.org/oidc/callback"
    assert "openid" in asked["scope"].split()
    liar.expect(asked)
    entered = finish(visitor, asked, iss=liar.issuer)
    assert (entered.status, entered.headers["location"]) == (303, "/credentials")
    assert "carol@example.org" in text_of(visitor.get("/credentials"))
    assert liar.faults == []
    assert host.rows("SELECT name, source, subject, enabled FROM users WHERE source <> 'local'") == [
        ("carol@example.org", liar.issuer, "carol@example.org", 1)
    ]


def test_no_two_log_ins_have_a_secret_in_common(visitor: Visitor) -> None:
    first, second = begin(visitor), begin(visitor)
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
        assert len(first[name]) >= 43


def test_answer_is_taken_once(visitor: Visitor, liar: Liar) -> None:
    asked = begin(visitor)
    liar.expect(asked)
    browser = dict(visitor.cookies)
    assert finish(visitor, asked).status == 303
    visitor.cookies = browser
    assert finish(visitor, asked).status == 403


def test_answer_is_taken_from_the_browser_that_began_alone(host: LoginHost, visitor: Visitor, liar: Liar) -> None:
    asked = begin(visitor)
    liar.expect(asked)
    victim = Visitor(host.urls)
    assert finish(victim, asked).status == 403
    begin(victim)
    assert "another browser" in text_of(finish(victim, asked))
    assert victim.session is None


@pytest.mark.parametrize("changes", [{"state": "other"}, {"state": ""}, {"code": ""}, {"iss": "http://127.0.0.1:1"}])
def test_answer_that_was_not_asked_for_is_refused(visitor: Visitor, liar: Liar, changes: dict[str, str]) -> None:
    asked = begin(visitor)
    liar.expect(asked)
    assert finish(visitor, asked, **changes).status == 403
    assert visitor.session is None


def test_log_in_that_took_too_long_is_refused(host: LoginHost, visitor: Visitor, liar: Liar) -> None:
    asked = begin(visitor)
    liar.expect(asked)
    host.execute("UPDATE login_pending SET expires_at = '2020-01-01'")
    assert finish(visitor, asked).status == 403


STRANGER = rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "another"}, {"nonce": None}, {"aud": "another"}, {"aud": None}, {"iss": "http://127.0.0.1:1"},
        {"iss": None}, {"exp": 1}, {"exp": None}, {"sub": None}, {"sub": 17}, {"aud": [CLIENT_ID, "x"], "azp": "x"},
        {"iat": 2**40}, {"nbf": 2**40},
    ],
    ids=str,
)  # fmt: skip
def test_id_token_with_another_claim_is_refused(visitor: Visitor, liar: Liar, lie: dict[str, Any]) -> None:
    asked = begin(visitor)
    liar.expect(asked, **lie)
    refused(visitor, asked)


@pytest.mark.parametrize("forgery", ["stranger", "none", "hmac", "text", "missing"])
def test_id_token_that_is_forged_is_refused(visitor: Visitor, liar: Liar, forgery: str) -> None:
    asked = begin(visitor)
    liar.expect(asked)
    claims = {**liar.claims, "exp": 2**40, "iat": now()}
    liar.id_token = {
        "stranger": jwt.encode(claims, STRANGER, algorithm="RS256", headers={"kid": key_id(KEY.public_key())}),
        "none": jwt.encode(claims, "", algorithm="none"),
        "hmac": jwt.encode(claims, liar.secret, algorithm="HS256"),
        "text": "nonsense",
        "missing": None,
    }[forgery]
    refused(visitor, asked)


def test_key_that_an_id_token_brings_along_is_not_used(visitor: Visitor, liar: Liar) -> None:
    asked = begin(visitor)
    liar.expect(asked)
    headers = {"jku": liar.issuer + "/jwks", "jwk": public_jwk(STRANGER.public_key())}
    claims = {**liar.claims, "exp": 2**40, "iat": now()}
    liar.id_token = jwt.encode(claims, STRANGER, algorithm="RS256", headers=headers)
    refused(visitor, asked)


def test_userinfo_of_another_person_is_refused(visitor: Visitor, liar: Liar) -> None:
    asked = begin(visitor)
    liar.expect(asked)
    liar.userinfo = {"sub": "mallory"}
    refused(visitor, asked)


def refused(visitor: Visitor, asked: dict[str, str]) -> None:
    answer = finish(visitor, asked)
    assert answer.status == 403
    assert "did not say who you are" in text_of(answer)
    assert visitor.session is None


@pytest.mark.parametrize("subject", ["a/b", "x" * 65, "https://example.org/me", "é!"])
def test_name_that_cannot_be_one_here_is_refused(visitor: Visitor, liar: Liar, subject: str) -> None:
    asked = begin(visitor)
    liar.expect(asked, sub=subject)
    assert "cannot be one of the archive's" in text_of(finish(visitor, asked))
    assert visitor.session is None


def test_nobody_becomes_a_user_who_logs_in_another_way(host: LoginHost, visitor: Visitor, liar: Liar) -> None:
    asked = begin(visitor)
    liar.expect(asked, sub="alice")
    assert "belongs to somebody" in text_of(finish(visitor, asked))
    assert visitor.session is None


def test_user_who_was_disabled_by_staff_stays_out(host: LoginHost, visitor: Visitor, liar: Liar) -> None:
    liar.expect(asked := begin(visitor))
    finish(visitor, asked)
    host.execute("UPDATE users SET enabled = 0")
    assert visitor.get("/credentials").headers["location"] == "/login"
    liar.expect(asked := begin(visitor))
    assert "may not log in" in text_of(finish(visitor, asked))


def test_provider_that_is_away_or_calls_itself_otherwise_is_told_as_busy(visitor: Visitor, liar: Liar) -> None:
    liar.calls_itself = "http://127.0.0.1:1"
    answer = visitor.get("/oidc")
    assert (answer.status, answer.headers["retry-after"]) == (503, "60")
    assert liar.issuer not in text_of(answer)
