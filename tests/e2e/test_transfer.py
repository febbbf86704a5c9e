"""A submitter's `strongroom upload` and a researcher's `strongroom download`, all the way through a node."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from shared.crypto.keys import load_public_key
from tests.e2e.nodes import COMMAND, EmbeddedNode, embedded_node, json_of, run_command, succeed, until
from tests.e2e.people import Submitter

MIB = 2**20
NAME = "alice@example.org"
SET = "EGAD00000000077"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "study" / "genome.bam"
    path.parent.mkdir()
    path.write_bytes(os.urandom(60 * MIB))
    return path


def configure(node: EmbeddedNode, folder: Path) -> dict[str, str]:
    """Save what staff give out; return the environment of the command."""
    config = folder / "upload.json"
    config.write_text(node.run("users", "credentials", NAME, "--ttl", "1h").stdout)
    return {"STRONGROOM_UPLOAD_CONFIG": str(config), "XDG_STATE_HOME": str(folder)}


def upload(environment: dict[str, str], *words: str) -> tuple[int, list[dict[str, Any]], str]:
    answer = run_command(["upload", *words, "--json"], environment, None)
    return answer.returncode, [json.loads(line) for line in answer.stdout.splitlines()], answer.stderr


def test_an_upload_outlasts_kills_on_both_sides_and_ends_in_a_download(tmp_path: Path, source: Path) -> None:
    with embedded_node(tmp_path) as node:
        Submitter(node, NAME)
        environment = configure(node, tmp_path)
        command = [*COMMAND, "upload", str(source.parent), "--parallel", "1"]
        client = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        until("a part to be sent", lambda: _parts_sent(tmp_path))
        node.kill()
        client.send_signal(signal.SIGKILL)
        client.communicate()
        node.start()
        environment = configure(node, tmp_path)
        code, events, err = upload(environment, str(source.parent))
        assert code == 0, (err, events)
        assert events[-1]["outcome"] == "uploaded"

        succeed(node, "files", "ingest", NAME, "study/genome.bam.c4gh", "--wait", "60s")
        rows = json.loads(run_command(["upload", "--status", "--json"], environment, None).stdout)
        # what the killed node began is there too, registered, until its reaper comes
        [verified] = [row["id"] for row in rows if (row["key"], row["state"]) == ("study/genome.bam.c4gh", "verified")]
        succeed(node, "files", "accession", verified, "EGAF00000000077", "--wait", "60s")
        succeed(node, "datasets", "create", SET, "EGAF00000000077")
        succeed(node, "datasets", "release", SET)
        _download(node, tmp_path, source)


def test_credentials_that_were_revoked_are_told_and_new_ones_go_on(tmp_path: Path, source: Path) -> None:
    with embedded_node(tmp_path) as node:
        Submitter(node, NAME)
        environment = configure(node, tmp_path)
        assert (
            load_public_key(node.public_key).pem() == json.loads((tmp_path / "upload.json").read_text())["public_key"]
        )
        succeed(node, "users", "revoke", NAME)
        code, events, err = upload(environment, str(source))
        assert code == 4
        assert "the credentials are not valid any more" in err
        assert "log in at http" in err
        assert "outcome" not in [event["event"] for event in events]
        code, _, err = upload(configure(node, tmp_path), str(source))
        assert code == 0, err


def test_a_configuration_for_s3cmd_serves_too(tmp_path: Path, source: Path) -> None:
    with embedded_node(tmp_path) as node:
        Submitter(node, NAME)
        environment = configure(node, tmp_path)
        config = tmp_path / "s3cmd.conf"
        config.write_text(succeed(node, "users", "credentials", NAME, "--format", "s3cmd"))
        words = ("--config", str(config), "--to", str(node.public_key), str(source))
        code, events, err = upload(environment, *words)
        assert code == 0, err
        assert events[-1]["key"] == "genome.bam.c4gh"


def _parts_sent(folder: Path) -> bool:
    return any(path.read_bytes().count(b"\n") > 1 for path in folder.rglob("*.journal"))


def _download(node: EmbeddedNode, folder: Path, source: Path) -> None:
    succeed(node, "users", "add", "bob", "--password-stdin", text="a long enough password\n")
    until(
        "the dataset to be released",
        lambda: [one["state"] for one in json_of(node, "datasets", "list")] == ["released"],
    )
    succeed(node, "grants", "add", "bob", SET)
    succeed(node, "keys", "generate", str(folder / "bob"))
    token = folder / "token"
    token.write_text(json_of(node, "users", "token", "bob")["token"])
    words = ["download", SET, "--url", node.outbox, "--token-file", str(token), "--key", str(folder / "bob.sec")]
    answer = run_command([*words, "--to", str(folder / "here")], {}, None)
    assert answer.returncode == 0, answer.stderr
    assert (folder / "here" / "study" / "genome.bam").read_bytes() == source.read_bytes()
