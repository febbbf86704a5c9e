"""Figures for people (a table) and for programs (one JSON file, from which the page in the docs is made)."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from tests.benchmarks.measure import Amount, Figures, Ratio, Spread

FILE = Path("build/benchmarks.json")


@dataclass
class Record:
    """The figures of the last run of each benchmark, all of one machine and with the same versions."""

    machine: dict[str, str]
    versions: dict[str, str]
    figures: dict[str, Figures] = field(default_factory=dict)
    dates: dict[str, str] = field(default_factory=dict)
    busy: dict[str, float] = field(default_factory=dict)
    """Share of the processors' time that others took just before a benchmark began."""

    @classmethod
    def load(cls, file: Path = FILE) -> Self:
        """Read what was kept."""
        kept = json.loads(file.read_text(encoding="utf-8"))
        figures = {name: _figures(value) for name, value in kept["figures"].items()}
        return cls(kept["machine"], kept["versions"], figures, kept["dates"], kept["busy"])

    def going_on(self, file: Path = FILE) -> Self:
        """Return what was kept if it is of the same machine with the same versions, else this empty record."""
        try:
            kept = self.load(file)
        except (FileNotFoundError, LookupError, TypeError, ValueError):
            return self  # there is none, or one of another form
        return kept if (kept.machine, kept.versions) == (self.machine, self.versions) else self

    def keep(self, name: str, figures: Figures, *, busy: float, file: Path = FILE) -> None:
        """Add a benchmark's figures, and write all."""
        self.figures[name] = figures
        self.busy[name] = busy
        self.dates[name] = datetime.now(UTC).date().isoformat()
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def table(figures: Figures) -> str:
    """Lay out the figures for a terminal."""
    lines = [f"\n{figures.title}"]
    if figures.ratios:
        lines.append(f"  {'':46} {'ratio':>9} {'from':>9} {'to':>9}  target")
        lines += [_line(ratio.name, ratio.spread, f"  {target(ratio)}") for ratio in figures.ratios]
    if figures.amounts:
        lines.append(f"  {'':46} {'median':>9} {'from':>9} {'to':>9}  limit")
        lines += [
            _line(f"{amount.name}, {amount.unit}", amount.spread, f"  {limit(amount)}") for amount in figures.amounts
        ]
    return "\n".join(line.rstrip() for line in lines)


def target(ratio: Ratio) -> str:
    """Say what a ratio should be, and whether it is."""
    if ratio.target is None:
        return ""
    return f"{'≤' if ratio.at_most else '≥'} {number(ratio.target)} {_verdict(met=ratio.met)}"


def limit(amount: Amount) -> str:
    """Say what an amount may be at most, and whether it keeps that."""
    return "" if amount.limit is None else f"≤ {number(amount.limit)} {_verdict(met=amount.met)}"


def number(value: float) -> str:
    """Write a figure with three digits that count."""
    if value and abs(value) < 0.1:
        return f"{value:.3f}"
    decimals = next((digits for digits, bound in ((2, 10), (1, 100)) if abs(value) < bound), 0)
    return f"{value:.{decimals}f}"


def _line(name: str, spread: Spread, end: str) -> str:
    return f"  {name:46} {number(spread.median):>9} {number(spread.low):>9} {number(spread.high):>9}{end}"


def _verdict(*, met: bool | None) -> str:
    return "met" if met else "not met"


def _figures(value: dict[str, Any]) -> Figures:
    ratios = [Ratio(**fields) for fields in _spread_out(value["ratios"])]
    amounts = [Amount(**fields) for fields in _spread_out(value["amounts"])]
    return Figures(title=value["title"], method=value["method"], ratios=ratios, amounts=amounts)


def _spread_out(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return ({**row, "spread": Spread(**row["spread"])} for row in rows)
