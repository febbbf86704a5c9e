"""Who may log in, by the node's own table and by Central EGA."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from shared.access import cega
from shared.access.cega import CentralEga, CentralEgaAway
from shared.access.directory import Directory, DirectorySettings
from shared.access.passwords import check_password, hash_password
from shared.access.users import User, has_password, has_ssh_key
from shared.database.engine import Database
from shared.database.statements import USER_ADD
from shared.database.tables import users
from shared.database.types import now
from shared.errors import ConfigurationError
from tests.stack.central_ega import CentralEgaUsers

TTL = timedelta(seconds=300)
KEYS = [f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{letter * 43}" for letter in "ABCD"]

# made by `openssl passwd -5` and `-6` with the password "correct horse", and with a salt of their own
SHA256 = "$5$saltstring$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqEC"
SHA512 = "$6$saltstring$.r0X7ub5wGR2v4Xz7svCIozfnlorFh19V89t8KC9Umd81uGhFgsyTRNyzQDXDIm17fFcR9z3z7oBNdsyYBbtm/"


class Clock:
    """Time that goes on when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(cega, "time", clock)
    return clock


@pytest.fixture
def central() -> Iterator[CentralEgaUsers]:
    with CentralEgaUsers() as central:
        central.add("ann", passwordHash=hash_password("correct horse", rounds=4), sshPublicKey=[f"{k} x" for k in KEYS])
        yield central


@pytest.fixture
def directory(database: Database, central: CentralEgaUsers) -> Directory:
    return Directory(database, asked(central))


def asked(central: CentralEgaUsers) -> CentralEga:
    return CentralEga(central.endpoint, user=central.name, password=central.password, ttl=TTL)


def add(database: Database, name: str, **changes: Any) -> None:
    with database.write() as connection:
        USER_ADD.run(connection, [{"name": name, "password_hash": None, "at": now()}])
        connection.execute(users.update().where(users.c.name == name).values(source="local", **changes))


def test_user_of_central_ega_logs_in_with_the_password_and_every_key(directory: Directory) -> None:
    ann = directory.find("ann")
    assert has_password(ann, "correct horse")
    assert not has_password(ann, "battery staple")
    assert [has_ssh_key(ann, key) for key in KEYS] == [True] * 4


def test_damaged_key_does_not_keep_the_others_out(directory: Directory, central: CentralEgaUsers) -> None:
    central.add("eve", sshPublicKey=["ssh-dss AAAA", 17, None, KEYS[0]])
    central.add("bob", sshPublicKey=KEYS[1])
    central.add("sue", sshPublicKey=None)
    found = [directory.find(name) for name in ("eve", "bob", "sue")]
    assert [user and set(user.ssh_keys) for user in found] == [{KEYS[0]}, {KEYS[1]}, set()]


def test_disabled_user_is_out_when_the_answer_has_expired_even_if_it_is_used_all_the_time(
    directory: Directory, central: CentralEgaUsers, clock: Clock
) -> None:
    assert has_ssh_key(directory.find("ann"), KEYS[0])
    central.add("ann", enabled=False)
    for _ in range(29):
        clock.seconds += 10
        assert has_ssh_key(directory.find("ann"), KEYS[0])
    clock.seconds += 10
    assert not has_ssh_key(directory.find("ann"), KEYS[0])
    assert len(central.asked) == 2


@pytest.mark.parametrize("enabled", [False, None, 1, "true", "yes"])
def test_only_who_is_enabled_in_so_many_words_may_log_in(
    directory: Directory, central: CentralEgaUsers, enabled: Any
) -> None:
    central.add("ann", enabled=enabled)
    assert not has_password(directory.find("ann"), "correct horse")
    del central.users["ann"]["enabled"]
    assert not has_password(directory.find("ann"), "correct horse")


@pytest.mark.parametrize("status", [500, 302, 401, 403])
def test_old_answer_is_not_used_while_central_ega_is_away(
    directory: Directory, central: CentralEgaUsers, clock: Clock, status: int
) -> None:
    assert directory.find("ann")
    central.status = status
    clock.seconds += 299
    assert directory.find("ann")
    clock.seconds += 1
    with pytest.raises(CentralEgaAway):
        directory.find("ann")


def test_nobody_answers(database: Database) -> None:
    with CentralEgaUsers() as central:
        pass
    with pytest.raises(CentralEgaAway):
        Directory(database, asked(central)).find("ann")


def test_unknown_users_are_asked_for_again_sooner(directory: Directory, central: CentralEgaUsers, clock: Clock) -> None:
    assert directory.find("new") is None
    central.add("new")
    assert directory.find("new") is None
    clock.seconds += 30
    assert directory.find("new")


def test_answer_about_another_user_is_nobody(directory: Directory, central: CentralEgaUsers) -> None:
    central.add("eve", username="ann")
    assert directory.find("eve") is None


def test_name_is_checked_before_it_is_part_of_an_address(directory: Directory, central: CentralEgaUsers) -> None:
    for name in ("", "..", "../admin", "a/b", "a?b=c", "a#b", "ann\n", "a b", "a%2fb", "é", "x" * 65):
        assert directory.find(name) is None
    assert central.asked == []
    central.add("a+b@example.org")
    assert directory.find("a+b@example.org")


def test_users_of_the_node_come_first(directory: Directory, database: Database, central: CentralEgaUsers) -> None:
    add(database, "ann")
    assert directory.find("ann") == User("ann", None, enabled=True, ssh_keys=frozenset())
    assert central.asked == []


def test_staff_disable_whom_central_ega_has_enabled(directory: Directory, database: Database) -> None:
    add(database, "ann")
    with database.write() as connection:
        connection.execute(users.update().values(source="cega"))
    assert has_password(directory.find("ann"), "correct horse")
    with database.write() as connection:
        connection.execute(users.update().values(enabled=0))
    assert not has_password(directory.find("ann"), "correct horse")


def test_memory_of_answers_is_bounded(
    directory: Directory, central: CentralEgaUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cega, "_MOST_ANSWERS", 2)
    for name in ("ann", "n1", "n2", "n2", "ann"):
        directory.find(name)
    assert central.asked == ["ann", "n1", "n2", "ann"]


@pytest.mark.parametrize("password_hash", [SHA256, SHA512])
def test_hashes_of_crypt_are_understood(password_hash: str) -> None:
    assert check_password(password_hash, "correct horse")
    for wrong in ("", "correct horse ", "Correct horse", "correct horse\0", "x" * 2000):
        assert not check_password(password_hash, wrong)


@pytest.mark.parametrize(
    "password_hash", ["$1$salt$hash", "$6$", "$6$rounds=x$a$b", SHA512[:-1], "$y$j9T$x$y", "x", "*"]
)
def test_other_and_damaged_hashes_fit_nothing(password_hash: str) -> None:
    for password in ("", "correct horse", password_hash):
        assert not check_password(password_hash, password)


def test_settings_of_central_ega_come_together() -> None:
    assert DirectorySettings().central_ega() is None
    with pytest.raises(ConfigurationError, match="STRONGROOM_CEGA_USER"):
        DirectorySettings(cega_endpoint="http://127.0.0.1:1", cega_password=SecretStr("x")).central_ega()
