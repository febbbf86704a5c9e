"""Forms that did not come from our pages do nothing; pages carry what keeps them safe."""

from typing import Any

import pytest

from tests.integration.login.host import PASSWORD, LoginHost
from tests.integration.login.visitor import Visitor, text_of


def test_log_in_form_needs_the_token_of_this_browser(host: LoginHost, visitor: Visitor) -> None:
    visitor.get("/login")
    other = Visitor(host.urls).token("/login")
    for token in ("", "x", "é", other):
        answer = visitor.post("/login", name="alice", password=PASSWORD, form_token=token)
        assert answer.status == 403
        assert "load it anew" in text_of(answer)
    assert visitor.session is None


@pytest.mark.parametrize("path", ["/credentials", "/token", "/logout", "/credentials/KEY/revoke"])
def test_forms_need_the_token_of_this_session(host: LoginHost, visitor: Visitor, path: str) -> None:
    visitor.log_in()
    eve = Visitor(host.urls)
    host.add_user("eve")
    eve.log_in("eve")
    for token in ("", eve.token("/credentials")):
        assert visitor.post(path, form_token=token).status == 403
    assert visitor.get("/credentials").status == 200
    assert host.rows("SELECT count(*) FROM s3_credentials") == [(0,)]


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example.org"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
     {"Sec-Fetch-Site": "same-site"}],
)  # fmt: skip
def test_forms_of_other_sites_are_refused_even_with_a_token(visitor: Visitor, headers: dict[str, str]) -> None:
    visitor.log_in()
    assert visitor.post("/credentials", page="/credentials", headers=headers, days="1").status == 403


def test_huge_and_odd_forms_are_refused(visitor: Visitor) -> None:
    visitor.get("/login")
    assert visitor.post("/login", page="/login", name="x" * 100_000).status == 403
    many: Any = {f"f{n}": "" for n in range(40)}
    assert visitor.post("/login", page="/login", **many).status == 403


@pytest.mark.parametrize("path", ["/login", "/nope", "/credentials", "/info", "/style.css"])
def test_every_answer_carries_the_headers_that_keep_it_safe(visitor: Visitor, path: str) -> None:
    headers = visitor.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "script" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == ("public, max-age=3600" if path == "/style.css" else "no-store")


def test_nothing_in_a_request_says_where_to_go_after_log_in(visitor: Visitor) -> None:
    elsewhere = "https://evil.example.org/"
    names = ("next", "redirect", "redirect_uri", "url", "return_to", "continue")
    query = "&".join(f"{name}={elsewhere}" for name in names)
    answer = visitor.post(f"/login?{query}", page="/login", name="alice", password=PASSWORD)
    assert answer.headers["location"] == "/credentials"
    for path in ("//evil.example.org", "/%2f%2fevil.example.org", "/\\evil.example.org", "/login/", "/credentials/"):
        assert "evil" not in visitor.get(path).headers.get("location", "")


def test_host_of_a_request_does_not_show_in_its_answer(visitor: Visitor) -> None:
    for header in ("Host", "X_Forwarded_Host"):
        answer = visitor.get("/", **{header: "evil.example.org"})
        assert "evil" not in str(answer.headers) + answer.data.decode()
