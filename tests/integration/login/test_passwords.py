"""Log-in by password, and what keeps others from it."""

import threading

import pytest
from urllib3.response import BaseHTTPResponse

from shared.access.attempts import OF_PAIR
from tests.integration.login.host import PASSWORD, LoginHost
from tests.integration.login.visitor import Visitor, text_of


@pytest.fixture(params=["embedded", "real"])
def database_url(request: pytest.FixtureRequest, database_url: str) -> str:
    """SQLite, and PostgreSQL."""
    return database_url if request.param == "embedded" else str(request.getfixturevalue("migrated_database"))


def test_password_opens_a_session_that_every_replica_knows(visitor: Visitor) -> None:
    entered = visitor.log_in()
    assert (entered.status, entered.headers["location"]) == (303, "/credentials")
    for _ in range(4):
        assert "alice" in text_of(visitor.get("/credentials"))


def test_nothing_is_shown_before_log_in(visitor: Visitor) -> None:
    for path in ("/credentials", "/uploads", "/credentials/KEY/s3cmd"):
        answer = visitor.get(path)
        assert (answer.status, answer.headers["location"]) == (303, "/login")
    for path in ("/credentials", "/token", "/credentials/KEY/revoke"):
        assert visitor.post(path).headers["location"] == "/login"


@pytest.mark.parametrize(
    ("name", "password"),
    [("alice", "wrong"), ("alice", ""), ("bob", PASSWORD), ("", ""), ("../alice", PASSWORD), ("alice", "x" * 1000)],
)
def test_refusals_look_alike(visitor: Visitor, name: str, password: str) -> None:
    answer = visitor.log_in(name, password)
    assert answer.status == 401
    assert "Name or password is not right." in text_of(answer)
    assert visitor.session is None


def test_name_that_was_typed_in_is_escaped(visitor: Visitor) -> None:
    page = visitor.log_in('"><script>alert(1)</script>', "wrong").data.decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_disabled_user_is_out_with_all_sessions(host: LoginHost, visitor: Visitor) -> None:
    visitor.log_in()
    host.execute("UPDATE users SET enabled = 0")
    assert visitor.get("/credentials").headers["location"] == "/login"
    assert visitor.log_in().status == 401


def test_log_out_ends_the_session_for_everyone_who_has_it(visitor: Visitor) -> None:
    visitor.log_in()
    stolen = dict(visitor.cookies)
    assert visitor.post("/logout", page="/credentials").headers["location"] == "/login"
    assert visitor.session is None
    visitor.cookies = stolen
    assert visitor.get("/credentials").status == 303


def test_session_ends_with_its_time(host: LoginHost, visitor: Visitor) -> None:
    visitor.log_in()
    host.execute("UPDATE login_sessions SET expires_at = '2020-01-01'")
    assert visitor.get("/credentials").status == 303


def test_session_of_before_is_not_used_after_log_in(host: LoginHost, visitor: Visitor) -> None:
    visitor.log_in()
    first = visitor.session
    assert first is not None
    for before in (first, "chosen-by-an-attacker"):
        assert visitor.log_in(keeping=before).status == 303
        assert visitor.session not in (None, first, before)
    visitor.cookies["strongroom-session"] = first
    assert visitor.get("/credentials").status == 303


def test_database_holds_nothing_that_opens_a_session(host: LoginHost, visitor: Visitor) -> None:
    visitor.log_in()
    [(id_hash,)] = host.rows("SELECT id_hash FROM login_sessions")
    assert id_hash != visitor.session
    visitor.cookies["strongroom-session"] = id_hash
    assert visitor.get("/credentials").status == 303


def test_too_many_wrong_passwords_lock_the_right_one_out_too(host: LoginHost, visitor: Visitor) -> None:
    host.add_user("bob")
    for _ in range(OF_PAIR):
        assert visitor.log_in(password="wrong").status == 401
    locked = visitor.log_in()
    assert (locked.status, visitor.session) == (429, None)
    assert "15 minutes" in text_of(locked)
    assert visitor.log_in("bob").status == 303, "others at the same address may still log in"
    host.execute("UPDATE login_attempts SET ends_at = '2020-01-01'")
    assert visitor.log_in().status == 303


def test_right_password_takes_wrong_ones_back(visitor: Visitor) -> None:
    for _ in range(3):
        for _ in range(OF_PAIR - 1):
            visitor.log_in(password="wrong")
        assert visitor.log_in().status == 303


def test_guesses_at_the_same_time_are_all_counted(host: LoginHost) -> None:
    visitors = [Visitor(host.urls) for _ in range(12)]
    answers: list[BaseHTTPResponse] = []
    threads = [threading.Thread(target=lambda v=v: answers.append(v.log_in(password="wrong"))) for v in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [401] * OF_PAIR + [429] * (12 - OF_PAIR)
