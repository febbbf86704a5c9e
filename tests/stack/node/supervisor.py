"""The process that the local node belongs to: it starts everything, waits for a signal, and stops everything."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from argparse import Namespace
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from tests.stack.node.compose import ROOT
from tests.stack.node.ground import Ground, make_secrets
from tests.stack.node.kept import KeptHome, kept_servers
from tests.stack.node.node import ComposeNode
from tests.stack.node.worker import STRONGROOM, is_ready
from tests.stack.process import ServerError, wait_until

START_SECONDS = 300.0
STOP_SECONDS = 120.0


def up(options: Namespace) -> int:
    """Start the node: in this process, or in one of its own that goes on in the background."""
    folder: Path = options.folder.resolve()
    if _owner(folder):
        raise ServerError(f"the node in {folder} runs already")
    if options.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o711, exist_ok=True)
    _state(folder).unlink(missing_ok=True)
    if options.foreground:
        _supervise(folder, options)
    else:
        _start_supervisor(folder, options)
    return 0


def down(options: Namespace) -> int:
    """Stop the node and wait until nothing of it is left."""
    folder = options.folder.resolve()
    owner = _owner(folder)
    if not owner:
        say("no node runs")
        return 0
    with suppress(ProcessLookupError):
        end = os.pidfd_open(owner)
        signal.pidfd_send_signal(end, signal.SIGTERM)
        if not select.select([end], [], [], STOP_SECONDS)[0]:
            raise ServerError(f"the node's supervisor, process {owner}, does not end within {STOP_SECONDS:.0f} s")
    say("the node is down")
    return 0


def status(options: Namespace) -> int:
    """Show every process; the exit code is 0 only if all of them are ready."""
    folder = options.folder.resolve()
    if not _state(folder).exists():
        say("the node is starting, or stopping" if _owner(folder) else "no node runs")
        return 1
    workers = json.loads(_state(folder).read_text(encoding="utf-8"))["workers"]
    found = {name: _health(worker) for name, worker in workers.items()}
    for name, health in found.items():
        say(f"{name:16} {health:10} {workers[name]['metrics']}")
    return 0 if set(found.values()) == {"ready"} else 1


def say(text: str, stream: TextIO = sys.stdout) -> None:
    """Tell the person at the terminal."""
    stream.write(f"{text}\n")
    stream.flush()


def _health(worker: dict[str, Any]) -> str:
    pid_file = Path(worker["pid_file"])
    if not (pid_file.exists() and Path("/proc", pid_file.read_text(encoding="ascii")).exists()):
        return "dead"
    return "ready" if is_ready(worker["metrics"]) else "not ready"


def _start_supervisor(folder: Path, options: Namespace) -> None:
    words = ["up", "--foreground", "--replicas", str(options.replicas)]
    words += [word for profile in options.profile for word in ("--profile", profile)]
    log = folder / "node.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "tests.stack.node", "--folder", str(folder), *words]
        supervisor = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )

    def settled() -> bool:
        return _state(folder).exists() or supervisor.poll() is not None

    wait_until(settled, within=START_SECONDS, what=f"the node does not start; see {log}")
    if supervisor.poll() is not None:
        raise ServerError(log.read_text(encoding="utf-8", errors="replace").strip().removeprefix("node: "))
    # on purpose not waited for: it goes on when this process has ended
    supervisor.returncode = 0
    say(log.read_text(encoding="utf-8").rstrip())


def _supervise(folder: Path, options: Namespace) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    _pid_file(folder).write_text(str(os.getpid()), encoding="ascii")
    alive = folder / "alive"
    alive.mkdir(exist_ok=True)
    home = KeptHome(alive, os.getpid(), folder)
    try:
        secrets = make_secrets(folder / "secrets", " ".join(STRONGROOM))
        with kept_servers(home) as servers:
            node = ComposeNode(
                home,
                Ground(servers, secrets=secrets),
                secrets=secrets,
                profiles=options.profile,
                replicas=options.replicas,
                published=True,
            )
            _run(node, folder, stop)
    finally:
        home.end()
        _state(folder).unlink(missing_ok=True)
        _pid_file(folder).unlink()


def _run(node: ComposeNode, folder: Path, stop: threading.Event) -> None:
    try:
        node.start()
        environment = folder / "strongroom.env"
        environment.write_text("".join(f"{name}='{value}'\n" for name, value in node.env.items()), encoding="utf-8")
        say(_words(node, environment))
        _write_state(node, folder)
        stop.wait()
    finally:
        node.stop()


def _words(node: ComposeNode, environment: Path) -> str:
    host, port = node.sftp
    return "\n".join([
        "The node is up.",
        f"  inbox          sftp -P {port} USER@{host}",
        f"  inbox, by S3   {node.s3}",
        f"  outbox         {node.outbox}",
        f"  log-in         {node.login}",
        f"  encrypt for    {node.archive_key}",
        f"  logs           {environment.parent / 'node'}",
        f"  command line   set -a; . {environment}; strongroom status",
    ])  # fmt: skip


def _write_state(node: ComposeNode, folder: Path) -> None:
    workers = {
        worker.name: {"pid_file": str(worker.process.log.with_suffix(".pid")), "metrics": worker.metrics}
        for worker in node.workers
    }
    new = _state(folder).with_suffix(".new")
    new.write_text(json.dumps({"workers": workers}), encoding="utf-8")
    new.rename(_state(folder))


def _owner(folder: Path) -> int | None:
    """Give the process of the supervisor, if it runs."""
    try:
        pid = int(_pid_file(folder).read_text(encoding="ascii"))
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if b"tests.stack.node" in words else None


def _pid_file(folder: Path) -> Path:
    return folder / "node.pid"


def _state(folder: Path) -> Path:
    return folder / "node.json"
