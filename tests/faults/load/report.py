"""A pytest plugin: the table of faults at the end of a run, and the same as JSON in `build/faults.json`.

Rows travel as properties of the tests' reports, so that they also come from the workers of pytest-xdist.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

PROPERTY = "fault"
FIGURES = Path("build/faults.json")

Note = Callable[["Row"], None]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a fault led to; `in_flight`: files that were not ready when the fault was over."""

    fault: str
    times: int
    files: int
    in_flight: int
    lost: int
    doubled: int
    recovery: float
    """seconds from the end of the fault to the next file that is ready"""


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Note:
    """Put a row into the table."""
    return lambda row: record_property(PROPERTY, asdict(row))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = list(_rows(terminalreporter.stats))
    if not rows:
        return
    terminalreporter.section("faults")
    terminalreporter.write_line(
        f"{'fault':44} {'times':>5} {'files':>5} {'in flight':>9} {'lost':>4} {'doubled':>7} {'recovery s':>10}"
    )
    for row in rows:
        terminalreporter.write_line(
            f"{row.fault:44} {row.times:5} {row.files:5} {row.in_flight:9} {row.lost:4} {row.doubled:7} "
            f"{row.recovery:10.1f}"
        )
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")


def _rows(stats: dict[str, list[Any]]) -> Iterable[Row]:
    for outcome in ("passed", "failed"):
        for report in stats.get(outcome, ()):
            if getattr(report, "when", None) == "call":
                yield from (Row(**value) for name, value in report.user_properties if name == PROPERTY)
