"""What programs with S3 credentials are told of uploads, `strongroom upload --status` among them."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import urllib3

from shared.access.credentials import CredentialKeeper, S3Credentials
from tests.e2e.nodes import Answer, run_command
from tests.integration.login.host import LoginHost
from tests.integration.login.visitor import Visitor

REASON = "The file is not encrypted for this archive: encrypt it with the archive's public key and upload it again."


@pytest.fixture
def configuration(host: LoginHost, visitor: Visitor) -> dict[str, Any]:
    """What alice gets for `strongroom upload`; three files of hers are known, and one of somebody else."""
    host.add_user("eve")
    host.add_file("alice", "a.c4gh", "ready", accession="EGAF00000000001", size=10)
    host.add_file("alice", "b.c4gh", "error", error=REASON)
    host.add_file("alice", "c.c4gh", "archived")
    host.add_file("eve", "d.c4gh", "archived")
    visitor.log_in()
    visitor.post("/credentials", page="/credentials", days="7")
    given: dict[str, Any] = json.loads(visitor.get(f"/credentials/{issued(host).access_key}/json").data)
    return given


def issued(host: LoginHost) -> S3Credentials:
    with host.database.read() as connection:
        return CredentialKeeper("s" * 32).of_user(connection, "alice")[0]


def ask(host: LoginHost, authorization: str | None) -> urllib3.BaseHTTPResponse:
    headers = {} if authorization is None else {"Authorization": authorization}
    return urllib3.request("GET", f"{host.url}/api/uploads", headers=headers)


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def status(folder: Path, configuration: dict[str, Any], *words: str) -> Answer:
    (folder / "upload.json").write_text(json.dumps(configuration))
    environment = {"XDG_STATE_HOME": str(folder), "STRONGROOM_UPLOAD_CONFIG": str(folder / "upload.json")}
    return run_command(["upload", "--status", *words], environment, None)


def test_the_command_tells_state_reason_and_remedy_of_each_file(tmp_path: Path, configuration: dict[str, Any]) -> None:
    rows = {row["key"]: row for row in json.loads(status(tmp_path, configuration, "--json").stdout)}
    assert {key: row["state"] for key, row in rows.items()} == {
        "a.c4gh": "ready",
        "b.c4gh": "error",
        "c.c4gh": "archived",
    }
    assert rows["a.c4gh"]["accession"] == "EGAF00000000001"
    assert rows["b.c4gh"]["reason"] == REASON
    assert "Encrypt the original file" in rows["b.c4gh"]["remedy"]
    shown = status(tmp_path, configuration, "b*").stdout
    assert "b.c4gh" in shown
    assert "a.c4gh" not in shown


def test_all_pages_are_told(host: LoginHost, tmp_path: Path, configuration: dict[str, Any]) -> None:
    for number in range(120):
        host.add_file("alice", f"many/{number:03}.c4gh", "uploaded")
    assert len(json.loads(status(tmp_path, configuration, "--json").stdout)) == 123


def test_only_credentials_that_are_good_are_answered(
    host: LoginHost, visitor: Visitor, configuration: dict[str, Any]
) -> None:
    key, secret = configuration["access_key"], configuration["secret_key"]
    assert ask(host, basic(key, secret)).status == 200
    for wrong in (None, "", "Basic", "Basic !", "Basic /w==", f"Bearer {secret}", basic(key, ""), basic("x", secret)):
        answer = ask(host, wrong)
        assert answer.status == 401, wrong
        assert "a.c4gh" not in answer.data.decode()
        assert answer.headers["www-authenticate"].startswith("Basic")
    visitor.post(f"/credentials/{key}/revoke", page="/credentials")
    assert ask(host, basic(key, secret)).status == 401
