"""The inbox as a process of its own: its memory, and its sudden end."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.integration.inbox.clients import MIB, Client, done, write
from tests.integration.inbox.host import InboxHost, directory
from tests.stack.process import wait_until

ROOT = Path(__file__).parents[3]


@contextmanager
def served(folder: Path, keys: dict[str, Path]) -> Iterator[tuple["subprocess.Popen[str]", int, int]]:
    """Run an inbox on a folder; yields process, port, and memory at the start in KiB."""
    arguments = [str(folder), str(keys["host"]), str(keys["known"])]
    command = [sys.executable, "-m", "tests.integration.inbox.serve", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        port, memory = map(int, next(line for line in server.stdout if line.replace(" ", "").strip().isdigit()).split())
        yield server, port, memory


def test_300_mib_pass_through_64(tmp_path: Path, ssh_keys: dict[str, Path]) -> None:
    with (tmp_path / "a.c4gh").open("wb") as file:
        file.truncate(300 * MIB)
    with served(tmp_path, ssh_keys) as (server, port, before):
        done(Client(tmp_path, "127.0.0.1", port, ssh_keys["known"]).sftp("alice", "put a.c4gh"))
        rest, _ = server.communicate(timeout=30)
    after = int(rest.splitlines()[-1])
    assert server.returncode == 0
    assert after - before < 64 * 1024, f"{before} KiB before, {after} KiB at most"


def test_killed_front_leaves_an_upload_to_go_on_with(tmp_path: Path, ssh_keys: dict[str, Path]) -> None:
    sha256 = write(tmp_path, "a.c4gh", 60 * MIB)
    with served(tmp_path, ssh_keys) as (server, port, _):
        host = InboxHost(f"sqlite:///{tmp_path / 'inbox.db'}", directory(tmp_path / "store"), ssh_keys["host"])
        host.start()
        client = Client(tmp_path, "127.0.0.1", port, ssh_keys["known"])
        upload = client.start_sftp("alice", "put a.c4gh", options=("-l", "160000"))
        wait_until(lambda: len(host.stored_parts()) >= 1, within=30, what="no part is stored")
        server.kill()
        assert upload.wait(30) != 0
    assert host.messages() == []
    done(replace(client, port=host.port).sftp("alice", "reput a.c4gh"))
    assert host.stored_sha256("a.c4gh") == sha256
    assert len(host.messages()) == 1
    host.stop()
