"""What stands in the tables and on the page is what was measured."""

import json
from itertools import count
from pathlib import Path

import pytest

from tests.benchmarks import page
from tests.benchmarks.measure import Amount, Figures, Ratio, Spread, quotients, rounds
from tests.benchmarks.report import Record, number, table

FIGURES = Figures(
    title="Small files",
    method="Side by side.\n",
    ratios=[
        Ratio(name="rate", spread=Spread(1.25, 1.0, 1.5), target=1.0),
        Ratio(name="time", spread=Spread(3.0, 2.5, 4.0), target=2.0, at_most=True),
        Ratio(name="free", spread=Spread(0.5, 0.5, 0.5)),
    ],
    amounts=[Amount(name="statements", unit="per file", spread=Spread(5, 5, 6), limit=4)],
)


def _here() -> Record:
    return Record({"cores": "2"}, {"Python": "3.11"})


def test_every_second_round_goes_in_the_reverse_order() -> None:
    turn = count(1)
    taken = rounds({"a": lambda: next(turn), "b": lambda: next(turn)}, 3)
    assert taken == {"a": [1, 4, 5], "b": [2, 3, 6]}


def test_a_ratio_is_taken_within_each_round() -> None:
    # the machine was twice as slow in the second round, for both
    assert quotients([100, 50, 90], [50, 25, 30]) == Spread(2.0, 2.0, 3.0)


def test_a_median_that_misses_its_target_is_not_met() -> None:
    assert [ratio.met for ratio in FIGURES.ratios] == [True, False, None]
    assert [amount.met for amount in FIGURES.amounts] == [False]


def test_the_table_says_what_is_met_and_what_is_not() -> None:
    lines = {line.split()[0]: line for line in table(FIGURES).splitlines()[1:]}
    assert lines["rate"].endswith("≥ 1.00 met")
    assert lines["time"].endswith("≤ 2.00 not met")
    assert lines["statements,"].endswith("≤ 4.00 not met")
    assert lines["free"].endswith("0.50")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0.00"),
        (0.0123, "0.012"),
        (0.1, "0.10"),
        (9.994, "9.99"),
        (42.42, "42.4"),
        (1234.5, "1234"),
        (-3, "-3.00"),
    ],
)
def test_figures_have_three_digits_that_count(value: float, written: str) -> None:
    assert number(value) == written


def test_a_run_adds_to_what_was_kept_of_the_same_machine(tmp_path: Path) -> None:
    file = tmp_path / "build" / "benchmarks.json"
    _here().going_on(file).keep("one", FIGURES, busy=0.25, file=file)
    _here().going_on(file).keep("two", FIGURES, busy=0.25, file=file)
    kept = Record.load(file)
    assert kept.figures == {"one": FIGURES, "two": FIGURES}
    assert kept.dates.keys() == {"one", "two"}
    assert kept.busy == {"one": 0.25, "two": 0.25}


@pytest.mark.parametrize("change", [{"machine": {"cores": "1000"}}, {"versions": {}}, {"figures": {"one": {}}}])
def test_figures_of_another_machine_or_form_are_not_mixed_in(tmp_path: Path, change: dict[str, object]) -> None:
    file = tmp_path / "benchmarks.json"
    _here().keep("one", FIGURES, busy=0.25, file=file)
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    assert not _here().going_on(file).figures


def test_the_same_figures_make_the_same_page_and_plots(tmp_path: Path) -> None:
    record = Record(
        {"cores": "2"},
        {"Python": "3.11"},
        {"small_files": FIGURES},
        {"small_files": "2026-01-02"},
        {"small_files": 0.25},
    )
    for name in ("one", "other"):
        page.write(record, tmp_path / name)
    one, other = (
        {file.relative_to(tmp_path / name): file.read_bytes() for file in (tmp_path / name).rglob("*.*")}
        for name in ("one", "other")
    )
    assert one == other
    assert one.keys() == {Path("performance.md"), Path("plots/small_files.svg")}
    text = one[Path("performance.md")].decode()
    assert "Measured on 2026-01-02; others took 25% of the processors when it began." in text
    assert "![Small files: ratios with their spread](plots/small_files.svg)" in text
    assert "| time | 3.00 | 2.50 | 4.00 | ≤ 2.00 not met |" in text


def test_a_plot_that_is_no_longer_drawn_is_removed(tmp_path: Path) -> None:
    record = Record({}, {}, {"small_files": FIGURES}, {"small_files": "2026-01-02"}, {"small_files": 0.25})
    page.write(record, tmp_path)
    page.write(Record({}, {}), tmp_path)
    assert not list(tmp_path.rglob("*.svg"))
