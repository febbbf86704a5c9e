"""An embedded node survives `kill -9`, and goes on where it was."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.crypto.keys import load_public_key
from tests.e2e.nodes import COMMAND, EmbeddedNode, json_of, until
from tests.e2e.people import Submitter
from tests.e2e.test_bad_input import seal

FILES = 40


@pytest.fixture
def automatic(tmp_path: Path) -> Iterator[EmbeddedNode]:
    node = EmbeddedNode(tmp_path, "--automatic")
    node.start()
    yield node
    if node.process is not None:
        assert node.stop() == 0


def test_files_get_ready_once_though_the_node_is_killed_again_and_again(automatic: EmbeddedNode) -> None:
    submitter = Submitter(automatic, "erin")
    names = [f"{uuid.uuid4().hex}.c4gh" for _ in range(FILES)]
    for name in names:
        (automatic.folder / name).write_bytes(seal(os.urandom(100_000), load_public_key(automatic.public_key)))
    submitter.sftp(*(f"put {automatic.folder / name}" for name in names))
    for _ in range(6):
        automatic.kill()
        automatic.start()
    until("all files to be ready", lambda: states(automatic) == ["ready"] * FILES)
    for row in json_of(automatic, "files", "list"):
        events = [event["event"] for event in json_of(automatic, "files", "show", row["id"])["events"]]
        assert [events.count(name) for name in ("archived", "verified", "ready")] == [1, 1, 1]
    stores = automatic.data / "store"
    kept = {row["id"] for row in json_of(automatic, "files", "list")}
    for store in ("archive", "backup"):
        assert {path.name for path in (stores / store).iterdir() if not path.name.startswith(".")} == kept


def test_a_second_process_is_kept_away_from_the_folder(automatic: EmbeddedNode) -> None:
    command = [*COMMAND, "up", "--embedded", "--data", str(automatic.data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "in use" in done.stderr


def states(node: EmbeddedNode) -> list[str]:
    return [row["state"] for row in json_of(node, "files", "list")]
