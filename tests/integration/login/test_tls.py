"""Behind a proxy that ends TLS: cookies are the host's alone, and attempts are counted by the browser's address."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from services.cli.folder import new_token_key
from shared.access.attempts import OF_PAIR
from shared.access.jwks import IssuerKeys
from shared.access.tokens import TokenIssuer, TokenVerifier
from tests.integration.login.host import PASSWORD, LoginHost
from tests.integration.login.visitor import Visitor, token_in

HOUR = timedelta(hours=1)
URL = "https://login.example.org"


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    keys = [tmp_path / name for name in ("new.pem", "old.pem")]
    for key in keys:
        key.write_bytes(new_token_key())
    return {"login_url": URL, "login_behind_proxy": True, "login_token_keys": tuple(keys)}


def test_cookies_are_the_hosts_alone_and_hidden_from_scripts(host: LoginHost, visitor: Visitor) -> None:
    pages = [visitor.get("/login")]
    token = visitor.token("/login")
    pages.append(visitor.post("/login", form_token=token, name="alice", password=PASSWORD))
    lines = [line for page in pages for line in page.headers.getlist("set-cookie")]
    assert {line.partition("=")[0] for line in lines} == {"__Host-strongroom-browser", "__Host-strongroom-session"}
    for line in lines:
        assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(line.split("; "))
        assert "Domain" not in line
    assert pages[0].headers["strict-transport-security"] == "max-age=31536000"


def test_cookie_of_another_name_is_no_session(visitor: Visitor) -> None:
    token = visitor.token("/login")
    visitor.post("/login", form_token=token, name="alice", password=PASSWORD)
    visitor.cookies["strongroom-session"] = visitor.cookies.pop("__Host-strongroom-session")
    assert visitor.get("/credentials").headers["location"] == "/login"


def test_attempts_are_counted_by_the_address_that_the_proxy_saw(visitor: Visitor) -> None:
    def tried(password: str, forwarded: str) -> int:
        headers = {"X-Forwarded-For": forwarded}
        return visitor.post("/login", page="/login", headers=headers, name="alice", password=password).status

    for number in range(OF_PAIR):
        assert tried("wrong", f"198.51.100.{number}, 192.0.2.1") == 401, "what the browser says itself is not believed"
    assert tried(PASSWORD, "198.51.100.99, 192.0.2.1") == 429
    assert tried(PASSWORD, "192.0.2.2") == 303


def test_first_key_signs_and_former_ones_still_verify(host: LoginHost, visitor: Visitor) -> None:
    token = visitor.token("/login")
    visitor.post("/login", form_token=token, name="alice", password=PASSWORD)
    new, old = (TokenIssuer(path.read_bytes()) for path in host.settings["login_token_keys"])
    verifier = TokenVerifier(published=[IssuerKeys(URL, f"{host.url}/.well-known/jwks.json")])
    issued = token_in(visitor.post("/token", page="/credentials"))
    assert verifier.verify(issued) == "alice"
    former = old.issue("alice", HOUR, issuer=URL)
    assert verifier.verify(former) == "alice"
    assert _kid(issued) == _kid(new.issue("x", HOUR)) != _kid(former)


def _kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])
