"""`python -m tests.benchmarks.page`: the page of the docs, and its plots, from the figures of the last run."""

from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import NAMES, plots
from tests.benchmarks.measure import Amount, Figures, Ratio, Spread
from tests.benchmarks.report import Record, limit, number, target

FOLDER = Path(__file__).parents[2] / "docs" / "explanation"
INTRODUCTION = """\
<!-- made by tests/benchmarks/page.py from a run of `make bench`, which makes it anew -->

# Performance

What is measured stands beside what the servers or the plain primitives do in the same run, on the same machine: the
two take turns, and every round gives a ratio. Ratios carry over to other machines; rates, times and memory hold for the
one below. The median of all rounds is given, with the lowest and the highest; in the plots green is what reaches its
target, amber what does not, grey what has none. No figure here is a test: the tests ask
for what is right, and this page tells how fast it is.

## Repeat it

`make bench` installs the servers, runs all of it (about twenty minutes) and writes this page and
`build/benchmarks.json`. `python -m tests.benchmarks NAME...` runs some benchmarks, prints their tables and keeps
their figures; `python -m tests.benchmarks.page` writes the page from what was kept. The names are those of the plots.

| variable | default | meaning |
|---|---|---|
| `BENCH_ROUNDS` | 3 | how often each side has its turn |
| `BENCH_FILES` | 500 | small files in a round |
| `BENCH_BYTES` | 2147483648 | size of the large file; uploads and downloads take at most 512 MiB |

Nothing else should run meanwhile. A look at one thing, in less than a minute:
`BENCH_ROUNDS=1 python -m tests.benchmarks small_files`.
"""


def write(record: Record, folder: Path = FOLDER) -> None:
    """Write page and plots below a folder."""
    drawings = folder / "plots"
    drawings.mkdir(parents=True, exist_ok=True)
    for old in drawings.glob("*.svg"):
        old.unlink()
    parts = [INTRODUCTION, _machine(record)]
    for name in filter(record.figures.__contains__, NAMES):
        figures = record.figures[name]
        if figures.ratios:
            plots.draw(figures.ratios, drawings / f"{name}.svg")
        parts += [*_section(name, figures), _when(record, name)]
    (folder / "performance.md").write_text("\n".join(parts), encoding="utf-8")


def _machine(record: Record) -> str:
    rows = "\n".join(f"| {name} | {value} |" for name, value in {**record.machine, **record.versions}.items())
    return f"## Where it was measured\n\n| | |\n|---|---|\n{rows}\n"


def _section(name: str, figures: Figures) -> Iterator[str]:
    yield f"## {figures.title}\n\n{figures.method.strip()}\n"
    if figures.ratios:
        yield f"![{figures.title}: ratios with their spread](plots/{name}.svg)\n"
        yield "| ratio | median | from | to | target |\n|---|---|---|---|---|"
        yield from map(_ratio, figures.ratios)
        yield ""
    if figures.amounts:
        yield "| on this machine | unit | median | from | to | limit |\n|---|---|---|---|---|---|"
        yield from map(_amount, figures.amounts)
        yield ""


def _when(record: Record, name: str) -> str:
    return f"Measured on {record.dates[name]}; others took {record.busy[name]:.0%} of the processors when it began.\n"


def _ratio(ratio: Ratio) -> str:
    return f"| {ratio.name} | {_values(ratio.spread)} | {target(ratio)} |"


def _amount(amount: Amount) -> str:
    return f"| {amount.name} | {amount.unit} | {_values(amount.spread)} | {limit(amount)} |"


def _values(spread: Spread) -> str:
    return f"{number(spread.median)} | {number(spread.low)} | {number(spread.high)}"


if __name__ == "__main__":
    write(Record.load())
