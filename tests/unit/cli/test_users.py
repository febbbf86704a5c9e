from configparser import ConfigParser
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from shared.access.credentials import CredentialKeeper
from shared.access.passwords import check_password
from shared.access.signing_keys import read_key
from shared.access.tokens import TokenVerifier
from shared.access.users import User, find_user
from shared.database.types import now
from tests.unit.cli.node import CommandLine, Node

PASSWORD = "correct horse battery"


def ssh_key() -> str:
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    return public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "id_ed25519.pub"
    path.write_text(f"{ssh_key()} alice@laptop\n")
    return path


def stored(node: Node, name: str) -> User:
    with node.database.read() as connection:
        user = find_user(connection, name)
    assert user is not None
    return user


def test_a_key_is_stored_without_its_comment(node: Node, key_file: Path) -> None:
    assert node.json("users", "add", "alice", "--ssh-key", key_file)["added"] is True
    assert stored(node, "alice").ssh_keys == {" ".join(key_file.read_text().split()[:2])}


def test_several_keys_and_a_password_go_together(node: Node, key_file: Path, tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.write_text(f"# two\n{ssh_key()}\n\n{ssh_key()} x\n")
    answer = node("users", "add", "alice", "--ssh-key", key_file, "--ssh-key", more, "--password-stdin", stdin=PASSWORD)
    assert answer.code == 0
    user = stored(node, "alice")
    assert len(user.ssh_keys) == 3
    assert check_password(user.password_hash, PASSWORD)


def test_adding_again_adds_keys_and_keeps_the_rest(node: Node, key_file: Path) -> None:
    node("users", "add", "alice", "--password-stdin", stdin=PASSWORD + "\n")
    assert node.json("users", "add", "alice", "--ssh-key", key_file)["added"] is False
    node("users", "add", "alice", "--ssh-key", key_file)
    user = stored(node, "alice")
    assert len(user.ssh_keys) == 1
    assert check_password(user.password_hash, PASSWORD)


@pytest.mark.parametrize(
    ("stdin", "reason"), [("short", "at least 12"), ("", "holds no password"), ("x" * 80, "72 bytes")]
)
def test_a_bad_password_is_refused(node: Node, stdin: str, reason: str) -> None:
    answer = node("users", "add", "alice", "--password-stdin", stdin=stdin)
    assert answer.code == 1
    assert reason in answer.err
    assert node.json("users", "list") == []


def test_a_file_that_is_no_public_key_is_named(node: Node, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    answer = node("users", "add", "alice", "--ssh-key", wrong)
    assert answer.code == 1
    assert f"{wrong}: not a public key" in answer.err
    assert node("users", "add", "alice", "--ssh-key", tmp_path / "none").err.endswith("No such file or directory\n")


def test_a_user_without_log_in_is_a_usage_error(node: Node) -> None:
    assert node("users", "add", "alice").code == 2


def test_a_bad_name_is_refused(node: Node, key_file: Path) -> None:
    answer = node("users", "add", "../alice", "--ssh-key", key_file)
    assert answer.code == 1
    assert "a user name has" in answer.err


def test_the_list_tells_no_secret(node: Node, key_file: Path) -> None:
    node("users", "add", "alice", "--ssh-key", key_file, "--password-stdin", stdin=PASSWORD)
    (listed,) = node.json("users", "list")
    assert listed.pop("registered_at").endswith("Z")
    assert listed == {"name": "alice", "enabled": True, "password": True, "ssh_keys": 1}
    assert "alice" in node("users", "list").out


def test_a_token_alone_is_printed_and_holds_for_its_time(node: Node, key_file: Path) -> None:
    node("users", "add", "alice", "--ssh-key", key_file)
    token = node("users", "token", "alice", "--ttl", "15m").out.strip()
    assert TokenVerifier([read_key(node.folder.token_key)]).verify(token) == "alice"
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 900
    assert node.json("users", "token", "alice").keys() == {"token", "expires"}


def test_no_token_for_those_who_may_not_log_in(node: Node, key_file: Path) -> None:
    answer = node("users", "token", "alice")
    assert (answer.code, answer.out) == (1, "")
    assert "there is no user alice" in answer.err
    node("users", "add", "alice", "--ssh-key", key_file)
    node("users", "disable", "alice")
    assert "alice is disabled" in node("users", "token", "alice").err
    node("users", "enable", "alice")
    assert node("users", "token", "alice").code == 0


@pytest.mark.parametrize("ttl", ["", "0s", "1w", "-1h", "1.5h"])
def test_a_bad_ttl_is_a_usage_error(node: Node, ttl: str) -> None:
    answer = node("users", "token", "alice", f"--ttl={ttl}")
    assert answer.code == 2
    assert "--ttl" in answer.err


def test_a_user_who_is_not_there_is_not_disabled(node: Node) -> None:
    assert "there is no user bob" in node("users", "disable", "bob").err


def test_the_real_node_signs_with_the_key_of_the_settings(
    node: Node, strongroom: CommandLine, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node("users", "add", "alice", "--ssh-key", key_file)
    monkeypatch.setenv("STRONGROOM_DATABASE_URL", node.folder.database_url)
    assert "STRONGROOM_TOKEN_KEY: is not set" in strongroom("users", "token", "alice").err
    monkeypatch.setenv("STRONGROOM_TOKEN_KEY", str(node.folder.token_key))
    token = strongroom("users", "token", "alice").out.strip()
    assert TokenVerifier([read_key(node.folder.token_key)]).verify(token) == "alice"


def credentials_of(node: Node, *options: str) -> Any:
    node.folder.keep_addresses({"s3": "https://127.0.0.1:8090", "login": "https://127.0.0.1:8091"})
    return node("users", "credentials", "alice@example.org", *options)


@pytest.fixture
def alice(node: Node, key_file: Path) -> str:
    node("users", "add", "alice@example.org", "--ssh-key", key_file)
    return "alice@example.org"


def keeper(node: Node) -> CredentialKeeper:
    return CredentialKeeper(node.folder.credentials_secret.read_text())


def test_credentials_are_printed_for_programs_and_are_good(node: Node, alice: str) -> None:
    printed = credentials_of(node, "--ttl", "2h").json
    needed = {"endpoint", "access_key", "secret_key", "session_token", "bucket", "expires"}
    assert printed.keys() == needed | {"public_key", "login"}
    assert (printed["public_key"], printed["login"]) == (
        node.folder.archive_public.read_text(),
        "https://127.0.0.1:8091",
    )
    assert (printed["endpoint"], printed["session_token"]) == ("https://127.0.0.1:8090", None)
    assert printed["bucket"] == "alice-40example-2eorg"
    with node.database.read() as connection:
        found = keeper(node).find(connection, printed["access_key"])
    assert found is not None
    assert (found.user, found.secret_key) == (alice, printed["secret_key"])
    assert timedelta(minutes=119) < found.expires_at - now() < timedelta(hours=2)
    assert datetime.fromisoformat(printed["expires"]) - found.expires_at < timedelta(milliseconds=1)


@pytest.mark.parametrize("form", ["s3cmd", "rclone", "aws"])
def test_credentials_are_printed_as_the_configuration_of_a_client(node: Node, alice: str, form: str) -> None:
    parser = ConfigParser(interpolation=None)
    parser.read_string(credentials_of(node, "--format", form).out)
    [section] = parser.sections() or ["default"]
    values = set(parser[section].values())
    assert values & {"127.0.0.1:8090", "https://127.0.0.1:8090"}
    with node.database.read() as connection:
        [issued] = keeper(node).of_user(connection, alice)
    assert {issued.access_key, issued.secret_key} <= values


def test_s3cmd_is_told_to_check_certificates(node: Node, alice: str) -> None:
    text = credentials_of(node, "--format", "s3cmd").out
    assert "use_https = True\ncheck_ssl_certificate = True\ncheck_ssl_hostname = True\n" in text


def test_revoked_credentials_are_gone(node: Node, alice: str) -> None:
    first, second, third = (credentials_of(node).json["access_key"] for _ in range(3))
    assert node.json("users", "revoke", alice, "--access-key", second)["revoked"] == [second]
    assert set(node.json("users", "revoke", alice)["revoked"]) == {first, third}
    with node.database.read() as connection:
        assert keeper(node).of_user(connection, alice) == []


def test_credentials_need_an_enabled_user_a_known_format_and_an_inbox(node: Node, alice: str) -> None:
    assert "STRONGROOM_INBOX_URL" in node("users", "credentials", alice).err
    assert "there is no xml" in credentials_of(node, "--format", "xml").err
    assert "there is no user" in node("users", "credentials", "nobody").err
    node("users", "disable", alice)
    assert "is disabled" in credentials_of(node).err
