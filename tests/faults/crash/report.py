"""A pytest plugin: says at the end of a run how many crash points were covered."""

from collections.abc import Iterator
from typing import Any

import pytest

POINTS = "crash points"
SEED = "crash seed"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    noted = list(_noted(terminalreporter.stats))
    points = [value for name, value in noted if name == POINTS]
    if points:
        terminalreporter.write_line(f"{sum(points)} crash points covered")
    seeds = sorted({value for name, value in noted if name == SEED})
    if seeds:
        terminalreporter.write_line(f"the real ones were drawn with FAULTS_SEED={seeds[0]}")


def _noted(stats: dict[str, list[Any]]) -> Iterator[tuple[str, Any]]:
    """Yield what tests noted; it travels with their reports, so that it also comes from workers of pytest-xdist."""
    for outcome in ("passed", "failed"):
        for report in stats.get(outcome, ()):
            if getattr(report, "when", None) == "call":
                yield from report.user_properties
