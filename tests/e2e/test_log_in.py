"""From the log-in page to a file that is ready: with the configuration that the page gives, by clients as they are."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.access.s3_clients import FORMS
from shared.crypto.keys import load_public_key
from tests.e2e.nodes import EmbeddedNode, succeed, until
from tests.e2e.test_bad_input import seal
from tests.integration.login.visitor import Visitor, text_of

NAME, PASSWORD = "dora@example.org", "a long enough password"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedNode]:
    node = EmbeddedNode(tmp_path_factory.mktemp("node"), "--automatic")
    node.start()
    succeed(node, "users", "add", NAME, "--password-stdin", text=f"{PASSWORD}\n")
    yield node
    assert node.stop() == 0


@pytest.fixture
def visitor(node: EmbeddedNode) -> Visitor:
    visitor = Visitor([node.login])
    assert visitor.log_in(NAME, PASSWORD).status == 303
    return visitor


def access_key(visitor: Visitor) -> str:
    """Make S3 credentials on the page."""
    made = visitor.post("/credentials", page="/credentials", days="1")
    return made.headers["location"].partition("#")[2]


def upload(
    visitor: Visitor, node: EmbeddedNode, folder: Path, client: str, key: str
) -> subprocess.CompletedProcess[str]:
    """Download the configuration of a client, and run the command that the page shows beside it."""
    page = text_of(visitor.get("/credentials"))
    [bucket] = set(re.findall(r"for bucket (\S+) at", page))
    command = FORMS[client].command.format(file=FORMS[client].file_name, bucket=bucket)
    assert command in page
    (folder / FORMS[client].file_name).write_bytes(visitor.get(f"/credentials/{key}/{client}").data)
    (folder / "GENOME.c4gh").write_bytes(seal(os.urandom(300_000), load_public_key(node.public_key)))
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {"PATH": programs, "HOME": str(folder), "LANG": "C.UTF-8"}
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("client", ["s3cmd", "rclone", "aws"])
def test_downloaded_configuration_uploads_a_file_that_gets_ready(
    visitor: Visitor, node: EmbeddedNode, tmp_path: Path, client: str
) -> None:
    done = upload(visitor, node, tmp_path, client, access_key(visitor))
    assert done.returncode == 0, done.stderr + done.stdout
    until("the file to be done", lambda: "GENOME.c4gh done Accession" in text_of(visitor.get("/uploads")))


def test_revoked_credentials_upload_nothing_more(visitor: Visitor, node: EmbeddedNode, tmp_path: Path) -> None:
    key = access_key(visitor)
    assert upload(visitor, node, tmp_path, "s3cmd", key).returncode == 0
    visitor.post(f"/credentials/{key}/revoke", page="/credentials")
    until("the refusal", lambda: "log in for a new one" in listed(tmp_path / FORMS["s3cmd"].file_name).stderr)


def test_staff_give_the_same_and_disabling_ends_it(visitor: Visitor, node: EmbeddedNode, tmp_path: Path) -> None:
    configuration = tmp_path / "s3cmd.conf"
    configuration.write_text(succeed(node, "users", "credentials", NAME, "--ttl", "1h", "--format", "s3cmd"))
    assert listed(configuration).returncode == 0
    succeed(node, "users", "disable", NAME)
    assert visitor.get("/uploads").headers["location"] == "/login"
    until("the refusal", lambda: listed(configuration).returncode)
    succeed(node, "users", "enable", NAME)


def listed(configuration: Path) -> subprocess.CompletedProcess[str]:
    """List the bucket; the inbox remembers for seconds whose credentials they are."""
    command = [str(Path(sys.executable).with_name("s3cmd")), "-c", str(configuration), "ls"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
