"""Outbox processes beside the node's own: one more for each core, and one that sends its readers to the store."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.benchmarks import processes
from tests.benchmarks.ground import BenchNode
from tests.stack.node.compose import ROOT
from tests.stack.node.worker import STRONGROOM, is_ready
from tests.stack.ports import free_ports
from tests.stack.process import Home, Process, wait_until

SETTINGS = {
    "STRONGROOM_OUTBOX_ADDRESS_SHARED": "true",
    # one reader stands for many
    "STRONGROOM_OUTBOX_READER_RATE": "1000000",
    "STRONGROOM_OUTBOX_READER_REQUESTS": "100000",
}
"""For the node's own outbox and all others."""


@dataclass(frozen=True)
class Outboxes:
    """Processes that share an address, and the URL of one that redirects."""

    processes: list[Process]
    redirecting: str

    def cpu_seconds(self) -> float:
        """Return the CPU time of those that share an address."""
        return sum(map(processes.cpu_seconds, self.processes))

    def memory(self) -> int:
        """Return the resident sets of those that share an address, bytes."""
        return sum(map(processes.resident_memory, self.processes))


@contextmanager
def outboxes(node: BenchNode) -> Iterator[Outboxes]:
    """Start one process for each core but the node's own, and one that redirects."""
    (port,) = free_ports(1)
    redirect = {
        "STRONGROOM_OUTBOX_CONTENT": "redirect",
        "STRONGROOM_OUTBOX_ADDRESS": f"127.0.0.1:{port}",
    }
    with ExitStack() as stack:
        others = [stack.enter_context(_outbox(node, f"outbox-{n}", {})) for n in range(1, os.cpu_count() or 1)]
        stack.enter_context(_outbox(node, "outbox-redirecting", redirect))
        yield Outboxes([node.process("outbox"), *others], f"http://127.0.0.1:{port}")


@contextmanager
def _outbox(node: BenchNode, name: str, settings: Mapping[str, str]) -> Iterator[Process]:
    worker = next(worker for worker in node.compose.workers if worker.container.name == "outbox")
    (port,) = free_ports(1)
    told = {**settings, "STRONGROOM_METRICS_ADDRESS": f"127.0.0.1:{port}"}
    process = Process(
        name=name,
        home=Home(node.folder, os.getpid()),
        folder=node.folder,
        command=[*STRONGROOM, *worker.container.command],
        environment={**worker.environment, "PYTHONPATH": str(ROOT), **told},
    )
    process.start()
    try:
        wait_until(
            lambda: is_ready(f"http://127.0.0.1:{port}"), within=60, what=f"{name} is not ready", process=process
        )
        yield process
    finally:
        process.stop()
