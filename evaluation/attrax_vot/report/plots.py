"""Plots of the report and of `attrax-vot figure`. Trackers differ by colour, dash and shape."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attrax_vot.analysis.one_pass import DISTANCES, OnePass
from attrax_vot.analysis.otb import OVERLAPS
from attrax_vot.analysis.scores import Scores

# The same text in every run: no date, and names of shapes that do not change.
matplotlib.rcParams["svg.hashsalt"] = "attrax"
# Dollar signs in names of trackers and sequences are no formulas.
matplotlib.rcParams["text.parse_math"] = False
COLOURS = ["#c0392b", "#2471a3", "#1e8449", "#b9770e", "#7d3c98", "#117a65", "#5d6d7e"]
DASHES: list[Any] = ["-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (8, 3)), (0, (3, 1.5)), (0, (1, 3))]
SHAPES = ["o", "s", "^", "D", "X", "P", "v"]
# Shapes along a curve, and points between the baselines of names.
MARKS, LINE = 8, 0.045


@dataclass(frozen=True)
class Style:
    """How the tracker at an index is drawn."""

    index: int

    @property
    def colour(self) -> str:
        """Its colour."""
        return COLOURS[self.index % len(COLOURS)]

    @property
    def shape(self) -> str:
        """Its marker."""
        return SHAPES[self.index % len(SHAPES)]

    @property
    def dash(self) -> Any:  # noqa: ANN401 - matplotlib's
        """Its dashes; after as many trackers as there are colours, another dash of each colour."""
        return DASHES[(self.index + self.index // len(COLOURS)) % len(DASHES)]

    def line(self, length: int) -> dict[str, Any]:
        """Of a curve of some length."""
        every = max(1, length // MARKS)
        # Shapes of curves close to each other do not hide each other.
        start = self.index * every // 3 % every
        return {
            "color": self.colour, "linestyle": self.dash, "linewidth": 1.6,
            "marker": self.shape, "markersize": 4.5, "markevery": (start, every),
        }  # fmt: skip


def legend(name: str) -> str:
    """A name as a label; matplotlib leaves those that begin with an underscore out of legends."""
    return f" {name}" if name.startswith("_") else name


def eao_curve(everything: list[tuple[str, Scores]], order: list[str]) -> Figure:
    """Expected average overlap by frames since an initialisation, and the interval of the score.

    Args:
        everything: names and scores of trackers.
        order: references of all trackers, by which each has its style.
    """
    drawn, axes = figure("frames since an initialisation", "expected average overlap")
    low, high = everything[0][1].interval
    axes.axvspan(low, high, color="#f2f3f4", zorder=0)
    for name, scores in everything:
        curve, style = scores.curve[1:], Style(order.index(scores.tracker))
        axes.plot(range(1, len(curve) + 1), curve, label=legend(name), **style.line(len(curve)))
    axes.set_xlim(0, max(high, *(len(scores.curve) for _, scores in everything)))
    axes.set_ylim(0, 1)
    axes.legend(frameon=False, handlelength=3.5)
    return drawn


def accuracy_robustness(everything: list[tuple[str, Scores]], order: list[str]) -> Figure:
    """Accuracy by robustness, of named trackers; better is up and to the right."""
    drawn, axes = figure("robustness", "accuracy")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    found = [(order.index(each.tracker), name, each.total) for name, each in everything]
    points(axes, [(index, name, total.robustness, total.accuracy) for index, name, total in found])
    return drawn


def points(axes: Axes, everything: list[tuple[int, str, float, float]]) -> None:
    """Draws a shape for each tracker, with its name; names at nearly the same height are moved apart."""
    known = [each for each in everything if not math.isnan(each[2] + each[3])]
    low, high = axes.get_ylim()
    below = -math.inf
    for index, name, across, up in sorted(known, key=lambda each: each[3]):
        axes.scatter(
            [across], [up], color=Style(index).colour, marker=Style(index).shape, s=60, label=legend(name), zorder=3
        )
        height = max((up - low) / (high - low), below + LINE)
        below = height
        left = axes.transLimits.transform(axes.transScale.transform((across, up)))[0] > 0.6
        axes.annotate(
            name, (across, up), xytext=(-8 if left else 8, (height - (up - low) / (high - low)) * 240),
            textcoords="offset points", ha="right" if left else "left", va="center", fontsize=8.5,
        )  # fmt: skip


def success(everything: list[OnePass], order: list[str]) -> Figure:
    """OTB's success plot, the area under each curve in the legend."""
    drawn, axes = figure("overlap threshold", "success")
    found = [(order.index(each.tracker), each.label, each.success, each.total.success) for each in everything]
    _curves(axes, OVERLAPS.tolist(), found)
    return drawn


def precision(everything: list[OnePass], order: list[str]) -> Figure:
    """OTB's precision plot, each value at 20 pixels in the legend."""
    drawn, axes = figure("distance of the centres, pixels", "precision")
    found = [(order.index(each.tracker), each.label, each.precision, each.total.precision) for each in everything]
    _curves(axes, DISTANCES.tolist(), found)
    return drawn


def _curves(axes: Axes, steps: Sequence[float], lines: list[tuple[int, str, list[float], float]]) -> None:
    """Draws named curves from 0 to 1, with a number for each."""
    for index, name, values, number in lines:
        axes.plot(steps, values, label=legend(f"{name} [{number:.3f}]"), **Style(index).line(len(values)))
    axes.set_xlim(0, steps[-1])
    axes.set_ylim(0, 1)
    axes.legend(frameon=False, loc="best", handlelength=3.5)


def figure(horizontal: str, vertical: str, size: tuple[float, float] = (5.6, 3.6)) -> tuple[Figure, Axes]:
    """An empty plot; the background of a page shows through."""
    drawn = Figure(figsize=size, layout="constrained")
    drawn.set_facecolor("none")
    axes = drawn.add_subplot(facecolor="none")
    axes.set_xlabel(horizontal)
    axes.set_ylabel(vertical)
    axes.grid(visible=True, color="#e5e7e9", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return drawn, axes


def svg(drawn: Figure) -> str:
    """A plot as an SVG element, without the prologue of a file of its own."""
    buffer = io.StringIO()
    drawn.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
