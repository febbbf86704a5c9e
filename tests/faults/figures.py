"""A pytest plugin: what the fault tests did and found, at the end of a run and in `build/faults.json`.

Notes travel as properties of the tests' reports, so that they also come from the workers of pytest-xdist. A run adds
what it knows to the file, so that parts can be run one after the other; `make faults` begins a new one, and ends with
`docs/faults.py`, which makes a page of it.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

FIGURES = Path("build/faults.json")
FAULT, COUNT = "fault", "count"
HEAD = ("fault", "times", "files", "in flight", "lost", "doubled", "recovery s")

Note = Callable[["Row"], None]
Count = Callable[[str, int], None]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a fault led to.

    `in_flight`: files that were not ready when the fault was over; of a fault that struck several times, those that
    were not ready at any of these times, at the least.
    """

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
    return lambda row: record_property(FAULT, asdict(row))


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Count:
    """Say how much of something a test did, such as crash points; all tests that did it are added up."""
    return lambda what, number: record_property(COUNT, (what, number))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = [Row(**value) for _, value in _noted(terminalreporter.stats, FAULT)]
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for test, (what, number) in _noted(terminalreporter.stats, COUNT):
        counts[what][test] = number
    if rows:
        terminalreporter.section("faults")
        terminalreporter.write_line("{:52} {:>5} {:>5} {:>9} {:>4} {:>7} {:>10}".format(*HEAD))
        for row in rows:
            terminalreporter.write_line(
                f"{row.fault:52} {row.times:5} {row.files:5} {row.in_flight:9} {row.lost:4} {row.doubled:7} "
                f"{row.recovery:10.1f}"
            )
    for what, numbers in counts.items():
        terminalreporter.write_line(f"{what}: {sum(numbers.values())}")
    if rows or counts:
        _keep({row.fault: asdict(row) for row in rows}, counts)


def _noted(stats: dict[str, list[Any]], name: str) -> Iterator[tuple[str, Any]]:
    """Yield what tests noted under a name, with the id of the test."""
    for outcome in ("passed", "failed"):
        for report in stats.get(outcome, ()):
            if getattr(report, "when", None) == "call":
                yield from ((report.nodeid, value) for noted, value in report.user_properties if noted == name)


def _keep(rows: dict[str, Any], counts: dict[str, dict[str, int]]) -> None:
    known = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {"faults": {}, "counts": {}}
    known["faults"] |= rows
    for what, numbers in counts.items():
        known["counts"].setdefault(what, {}).update(numbers)
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
