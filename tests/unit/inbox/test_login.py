"""Who is let in, one connection at a time; real clients do the rest in tests/integration/inbox."""

import asyncio
from typing import Any

import asyncssh
import pytest

from services.inbox.inbox import Inbox
from services.inbox.login import Login
from shared.access.attempts import OF_PAIR, Attempts
from shared.access.directory import Directory
from shared.access.passwords import hash_password
from shared.access.users import normal_ssh_key
from shared.database.engine import DatabaseAway
from shared.database.statements import USER_ADD, USER_ADD_KEY
from shared.database.types import now


@pytest.fixture
def key(inbox: Inbox) -> asyncssh.SSHKey:
    """The key of ann; eve has a password."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    with inbox.database.write() as connection:
        for name in ("ann", "eve"):
            password_hash = hash_password(f"password of {name}", rounds=4)
            USER_ADD.run(connection, [{"name": name, "password_hash": password_hash, "at": now()}])
        public = normal_ssh_key(key.export_public_key().decode())
        USER_ADD_KEY.run(connection, [{"user": "ann", "ssh_key": public}])
    return key


def login(inbox: Inbox) -> Login:
    def no_channel() -> Any:
        raise AssertionError

    return Login(Directory(inbox.database, None), Attempts(inbox.database), {}, asyncio.Semaphore(1), no_channel)


def test_key_and_password_of_the_user_fit(inbox: Inbox, key: asyncssh.SSHKey) -> None:
    async def run() -> None:
        door = login(inbox)
        assert await door.begin_auth("ann")
        assert door.validate_public_key("ann", key)
        assert not door.validate_public_key("ann", asyncssh.generate_private_key("ssh-ed25519"))
        assert await door.validate_password("ann", "password of ann")
        assert not await door.validate_password("ann", "password of eve")

    asyncio.run(run())


def test_means_of_one_user_never_let_in_another(inbox: Inbox, key: asyncssh.SSHKey) -> None:
    async def run() -> None:
        door = login(inbox)
        await door.begin_auth("ann")
        # requests for two users may overlap: what was found for one must not count for the other
        assert not door.validate_public_key("eve", key)
        assert not await door.validate_password("eve", "password of ann")

    asyncio.run(run())


def test_connection_may_try_six_passwords(inbox: Inbox, key: asyncssh.SSHKey) -> None:
    async def run() -> None:
        door = login(inbox)
        await door.begin_auth("ann")
        for _ in range(6):
            assert not await door.validate_password("ann", "wrong")
        with pytest.raises(asyncssh.DisconnectError):
            await door.validate_password("ann", "password of ann")

    asyncio.run(run())


def test_wrong_passwords_over_many_connections_lock_the_right_one_out(inbox: Inbox, key: asyncssh.SSHKey) -> None:
    async def tried(name: str, password: str) -> bool:
        door = login(inbox)
        await door.begin_auth(name)
        return await door.validate_password(name, password)

    async def run() -> None:
        for _ in range(OF_PAIR):
            assert not await tried("ann", "wrong")
        assert not await tried("ann", "password of ann")
        assert await tried("eve", "password of eve")
        door = login(inbox)
        await door.begin_auth("ann")
        assert door.validate_public_key("ann", key), "who has a key needs no password"

    asyncio.run(run())


def test_nobody_is_judged_while_the_database_is_away(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise DatabaseAway

    monkeypatch.setattr(inbox.database, "read", away)
    with pytest.raises(asyncssh.DisconnectError, match="try again"):
        asyncio.run(login(inbox).begin_auth("ann"))
