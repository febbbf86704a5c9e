"""From the start of a service to its first yes to /readyz, and what it holds when idle."""

import time

from tests.benchmarks.ground import BenchNode, bench_node
from tests.benchmarks.measure import ROUNDS, Amount, Figures, Spread
from tests.benchmarks.processes import resident_memory
from tests.stack.node.worker import Worker, is_ready

MIB = 1 << 20
PATIENCE = 60.0
METHOD = """\
Each service of the node is stopped and started alone, while the others and the servers run: from the start of its
process to the first 200 of `/readyz`, which asks for its database, broker and stores. Memory is the resident set of
the process when it is ready and has nothing to do, libraries included.
"""


def run() -> Figures:
    """Start every service again, several times."""
    with bench_node(("standalone",)) as node:
        taken = {worker.container.name: [_start(worker) for _ in range(ROUNDS)] for worker in node.compose.workers}
        idle = {name: _idle(node, name) for name in taken}
    amounts = [Amount(name=f"{name}: start to ready", unit="s", spread=Spread.of(taken[name])) for name in taken]
    amounts += [Amount(name=f"{name}: idle memory", unit="MiB", spread=Spread.of([idle[name]])) for name in taken]
    return Figures(title="Start-up and idle memory", method=METHOD, amounts=amounts)


def _start(worker: Worker) -> float:
    worker.process.stop()
    started = time.perf_counter()
    worker.process.start()
    while not is_ready(worker.metrics):
        assert time.perf_counter() - started < PATIENCE, worker.process.last_words()
        time.sleep(0.005)
    return time.perf_counter() - started


def _idle(node: BenchNode, name: str) -> float:
    return resident_memory(node.process(name)) / MIB
