"""What users take away: S3 credentials, access tokens, the keys that verify them; and who ends them."""

import json
from configparser import ConfigParser

import jwt
import pytest

from shared.access.credentials import CredentialKeeper, S3Credentials
from shared.access.jwks import IssuerKeys
from shared.access.passwords import hash_password
from shared.access.tokens import TokenVerifier
from tests.integration.login.host import LoginHost
from tests.integration.login.visitor import Visitor, text_of, token_in
from tests.stack.central_ega import CentralEgaUsers
from tests.stack.process import wait_until

KEEPER = CredentialKeeper("s" * 32)


def of_user(host: LoginHost, user: str) -> list[S3Credentials]:
    with host.database.read() as connection:
        return KEEPER.of_user(connection, user)


def issue(visitor: Visitor, days: str = "7") -> None:
    assert visitor.post("/credentials", page="/credentials", days=days).status == 303


def test_issued_credentials_are_good_and_their_configuration_comes_again(host: LoginHost, visitor: Visitor) -> None:
    visitor.log_in()
    issue(visitor)
    [issued] = of_user(host, "alice")
    for _ in range(2):
        answer = visitor.get(f"/credentials/{issued.access_key}/json")
        assert answer.headers["content-disposition"] == 'attachment; filename="strongroom-upload.json"'
        assert answer.headers["cache-control"] == "no-store"
        assert json.loads(answer.data)["secret_key"] == issued.secret_key
    parser = ConfigParser(interpolation=None)
    parser.read_string(visitor.get(f"/credentials/{issued.access_key}/s3cmd").data.decode())
    assert parser["default"]["use_https"] == "True"
    assert parser["default"]["check_ssl_certificate"] == "True"


@pytest.mark.parametrize(
    ("days", "given"), [("1", 1), ("7", 7), ("9999", 1), ("0", 1), ("-3", 1), ("x", 1), ("999", 30)]
)
def test_credentials_last_as_long_as_is_allowed(host: LoginHost, visitor: Visitor, days: str, given: int) -> None:
    visitor.log_in()
    issue(visitor, days)
    [issued] = of_user(host, "alice")
    assert (issued.expires_at - issued.issued_at).days == given


def test_nobody_sees_or_revokes_what_is_anothers(host: LoginHost, visitor: Visitor) -> None:
    visitor.log_in()
    issue(visitor)
    [issued] = of_user(host, "alice")
    eve = Visitor(host.urls)
    host.add_user("eve")
    eve.log_in("eve")
    assert issued.access_key not in text_of(eve.get("/credentials"))
    for path in (f"/credentials/{issued.access_key}/json", "/credentials/X/json"):
        assert "not yours" in text_of(eve.get(path))
    eve.post(f"/credentials/{issued.access_key}/revoke", page="/credentials")
    assert of_user(host, "alice") == [issued]
    visitor.post(f"/credentials/{issued.access_key}/revoke", page="/credentials")
    assert of_user(host, "alice") == []
    assert visitor.get(f"/credentials/{issued.access_key}/json").status == 403


def test_unknown_forms_of_configuration_are_refused(host: LoginHost, visitor: Visitor) -> None:
    visitor.log_in()
    issue(visitor)
    [issued] = of_user(host, "alice")
    for form in ("xml", "..", "s3cmd%00", "S3CMD"):
        assert visitor.get(f"/credentials/{issued.access_key}/{form}").status in {403, 404}


def test_token_is_verified_by_what_the_service_publishes(host: LoginHost, visitor: Visitor) -> None:
    visitor.log_in()
    token = token_in(visitor.post("/token", page="/credentials"))
    issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
    assert issuer in host.urls
    keys = IssuerKeys(issuer, f"{host.urls[1]}/.well-known/jwks.json")
    assert TokenVerifier(published=[keys]).verify(token) == "alice"


def test_info_says_what_the_incumbents_clients_ask_for(host: LoginHost, visitor: Visitor) -> None:
    info = json.loads(visitor.get("/info").data)
    assert info.keys() == {"client_id", "oidc_uri", "public_key", "inbox_uri"}
    assert visitor.get("/archive.pub").data == (host.folder / "archive.pub").read_bytes()


class TestCentralEga:
    """Users whom Central EGA knows."""

    @pytest.fixture
    def central(self) -> object:
        with CentralEgaUsers() as central:
            central.add("ega", passwordHash=hash_password("their password", rounds=4))
            yield central

    @pytest.fixture
    def settings(self, central: CentralEgaUsers) -> dict[str, object]:
        return {**central.settings, "cega_ttl_seconds": 1.5}

    def test_credentials_end_when_their_user_is_disabled_there(
        self, host: LoginHost, visitor: Visitor, central: CentralEgaUsers
    ) -> None:
        visitor.log_in("ega", "their password")
        issue(visitor)
        assert len(of_user(host, "ega")) == 1
        central.add("ega", enabled=False)
        wait_until(lambda: not of_user(host, "ega"), within=20, what="the credentials do not end")
        assert visitor.get("/credentials").headers["location"] == "/login"
        assert visitor.log_in("ega", "their password").status == 401

    def test_credentials_rest_while_central_ega_is_away_and_come_back_with_it(
        self, host: LoginHost, visitor: Visitor, central: CentralEgaUsers
    ) -> None:
        visitor.log_in("ega", "their password")
        issue(visitor)
        central.status = 500
        wait_until(lambda: not of_user(host, "ega"), within=20, what="the credentials do not rest")
        central.status = 200
        wait_until(lambda: len(of_user(host, "ega")) == 1, within=20, what="the credentials do not come back")

    def test_log_in_is_put_off_while_central_ega_is_away(self, visitor: Visitor, central: CentralEgaUsers) -> None:
        central.status = 500
        assert visitor.log_in("ega", "their password").status == 503
        assert visitor.log_in().status == 303, "the node's own users still log in"
