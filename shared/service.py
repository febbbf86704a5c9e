"""Run one service of the real stack as a process: settings, wiring, run, exit code."""

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog
from pydantic import Field

from shared import logs
from shared.broker.node import Assembly, Check, Node
from shared.broker.real import RealSettings, real_node
from shared.database.metrics import register_database_metrics
from shared.errors import StrongroomError
from shared.health import HealthServer, HealthSettings
from shared.lifecycle import Part, Signals, running, spare_collector, wait
from shared.settings import load

log = structlog.get_logger(__name__)


class ServerSettings(RealSettings, HealthSettings):
    """What every service of the real stack needs to know."""

    log_level: str = Field(
        default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level of log lines."
    )


S = TypeVar("S", bound=ServerSettings)


def main(name: str, settings: type[S], assemble: Callable[[Node, S], Assembly]) -> int:
    """Run a service until a signal comes; return its exit code."""
    try:
        _serve(name, load(settings), assemble)
    except StrongroomError as error:
        print(f"{name}: {error}", file=sys.stderr)  # noqa: T201 - the operator's sentence, beside the log
        return 1
    return 0


def _serve(name: str, settings: S, assemble: Callable[[Node, S], Assembly]) -> None:
    logs.configure(name, level=settings.log_level)
    with Signals() as signals, real_node(settings) as node:
        assembly = assemble(node, settings)
        work = [*node.parts, *assembly.parts]
        with running([health(node, settings, work, [assembly]), *work]):
            spare_collector()
            log.info("started")
            wait(work, signals)


def health(node: Node, settings: HealthSettings, work: Sequence[Part], assemblies: Sequence[Assembly]) -> HealthServer:
    """Make what serves `/metrics`, `/livez` and `/readyz` of a process."""
    checks: dict[str, Check] = dict(node.checks)
    for assembly in assemblies:
        checks.update(assembly.checks)
    register_database_metrics(node.database)
    return HealthServer(settings.metrics_address, parts=work, checks=checks)
