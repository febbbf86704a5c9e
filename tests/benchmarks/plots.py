"""Plots of ratios for the docs: the same figures give the same bytes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

from tests.benchmarks.measure import Ratio
from tests.benchmarks.report import number

MET, NOT_MET, FREE, INK = "#2a7f62", "#d98e04", "#7a8794", "#22303c"
STYLE: dict[RcKeyType, Any] = {
    # text stays text, and identifiers and dates do not change from run to run
    "svg.fonttype": "none",
    "svg.hashsalt": "strongroom",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.edgecolor": "#c3cad1",
    "figure.facecolor": "white",
}


def draw(ratios: Sequence[Ratio], file: Path) -> None:
    """Draw a bar for each ratio, from its lowest to its highest value, with a line at its target."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8, 0.75 + 0.55 * len(ratios)), layout="constrained")
        axes = figure.add_subplot()
        _bars(axes, ratios)
        _frame(axes, ratios)
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})


def _bars(axes: Axes, ratios: Sequence[Ratio]) -> None:
    for row, ratio in enumerate(ratios):
        spread = ratio.spread
        error = [[spread.median - spread.low], [spread.high - spread.median]]
        axes.barh(row, spread.median, height=0.55, color=_colour(ratio))
        axes.errorbar(spread.median, row, xerr=error, color=INK, capsize=3, linewidth=1)
        axes.text(
            max(spread.high, ratio.target or 0), row, f"  {number(spread.median)}", va="center", fontweight="bold"
        )
        if ratio.target is not None:
            axes.vlines(ratio.target, row - 0.4, row + 0.4, colors="#c0392b", linestyles="dashed", linewidth=1.5)


def _frame(axes: Axes, ratios: Sequence[Ratio]) -> None:
    axes.set_yticks(range(len(ratios)), [_label(ratio) for ratio in ratios])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.12 * max(max(ratio.spread.high, ratio.target or 0) for ratio in ratios))
    axes.axvline(1, color="#c3cad1", linewidth=1, zorder=0)
    axes.set_xlabel("ratio; dashed: target")
    axes.tick_params(length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _label(ratio: Ratio) -> str:
    return f"{ratio.name}\n({'less' if ratio.at_most else 'more'} is better)"


def _colour(ratio: Ratio) -> str:
    return {True: MET, False: NOT_MET, None: FREE}[ratio.met]
