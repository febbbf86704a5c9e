"""Who may log in."""

import time

import pytest

from shared.access import passwords
from shared.access.passwords import check_password, hash_password
from shared.access.users import User, check_user_name, find_user, has_password, has_ssh_key, normal_ssh_key
from shared.database.engine import Database
from shared.database.statements import USER_ADD, USER_ADD_KEY
from shared.database.types import now
from shared.errors import UserError

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
HASH = hash_password("correct horse", rounds=4)
ANN = User("ann", HASH, enabled=True, ssh_keys=frozenset({KEY}))


@pytest.mark.parametrize("name", ["ann", "a1", "ann@example.org", "_x-y+z.w", "a" * 64])
def test_names_of_one_segment_are_fine(name: str) -> None:
    assert check_user_name(name) == name


@pytest.mark.parametrize("name", ["", "a", "a" * 65, "..", ".ann", "-x", "a/b", "a b", "a\n", "ann\n", "é2", "a\0b"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(UserError):
        check_user_name(name)


@pytest.mark.parametrize("text", [KEY, f"  {KEY} ann@laptop\n", KEY + " a comment of words"])
def test_key_is_kept_without_its_comment(text: str) -> None:
    assert normal_ssh_key(text) == KEY


@pytest.mark.parametrize(
    "text",
    ["", "ssh-ed25519", "ssh-ed25519 !!!", KEY.replace("ssh-ed25519", "ssh-rsa"), KEY.replace("ssh-ed25519", "ssh-dss"),
     f'command="x" {KEY}', f"{KEY}\n{KEY}", "-----BEGIN OPENSSH PRIVATE KEY-----"],
)  # fmt: skip
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        normal_ssh_key(text)


def test_user_is_found_with_all_keys(database: Database) -> None:
    with database.write() as connection:
        USER_ADD.run(connection, [{"name": "ann", "password_hash": HASH, "at": now()}])
        USER_ADD_KEY.run(connection, [{"user": "ann", "ssh_key": key} for key in (KEY, KEY + "x")])
    with database.read() as connection:
        assert find_user(connection, "ann") == User("ann", HASH, enabled=True, ssh_keys=frozenset({KEY, KEY + "x"}))
        assert find_user(connection, "Ann") is None


def test_password_of_an_enabled_user_fits() -> None:
    assert has_password(ANN, "correct horse")
    assert not has_password(ANN, "correct horse ")
    assert not has_password(ANN, "")
    assert not has_password(None, "correct horse")
    assert not has_password(User("ann", HASH, enabled=False, ssh_keys=frozenset()), "correct horse")
    assert not has_password(User("ann", None, enabled=True, ssh_keys=frozenset()), "correct horse")
    assert not has_password(User("ann", "$6$other$scheme", enabled=True, ssh_keys=frozenset()), "correct horse")


def test_key_of_an_enabled_user_fits() -> None:
    assert has_ssh_key(ANN, KEY)
    assert not has_ssh_key(ANN, KEY + "x")
    assert not has_ssh_key(None, KEY)
    assert not has_ssh_key(User("ann", HASH, enabled=False, ssh_keys=frozenset({KEY})), KEY)


@pytest.mark.parametrize("password", ["", "x" * 73, "é" * 37, "a\0b"])
def test_password_that_bcrypt_would_cut_is_refused(password: str) -> None:
    with pytest.raises(UserError):
        hash_password(password, rounds=4)
    assert not check_password(HASH, password)


def test_long_password_does_not_pass_for_its_beginning() -> None:
    hashed = hash_password("x" * 72, rounds=4)
    assert check_password(hashed, "x" * 72)
    assert not check_password(hashed, "x" * 73)


def test_unknown_user_costs_as_much_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    real, passwords_hash = passwords._nobody(), hash_password("correct horse")
    assert real.split("$")[:3] == passwords_hash.split("$")[:3], "the same scheme with the same work"
    known, unknown = _seconds(passwords_hash), _seconds(None)
    assert 0.4 < unknown / known < 2.5


def _seconds(password_hash: str | None) -> float:
    def once() -> float:
        begin = time.thread_time()
        check_password(password_hash, "wrong")
        return time.thread_time() - begin

    return min(once() for _ in range(3))
