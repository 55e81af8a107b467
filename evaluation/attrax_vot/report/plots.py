"""Plots of the report, as SVG text that a page can hold."""

import io
from collections.abc import Sequence

import matplotlib
from matplotlib.figure import Figure

from attrax_vot.analysis.one_pass import DISTANCES, OnePass
from attrax_vot.analysis.otb import OVERLAPS
from attrax_vot.analysis.scores import Scores

# The same text in every run: no date, and names of shapes that do not change.
matplotlib.rcParams["svg.hashsalt"] = "attrax"
COLOURS = ["#c0392b", "#2471a3", "#1e8449", "#b9770e", "#7d3c98", "#117a65", "#5d6d7e"]


def eao_curve(everything: list[tuple[str, Scores]]) -> str:
    """Expected average overlap by frames since an initialisation, and the interval of the score; of named trackers."""
    figure, axes = _figure("frames since an initialisation", "expected average overlap")
    low, high = everything[0][1].interval
    axes.axvspan(low, high, color="#f2f3f4", zorder=0)
    for (name, scores), colour in zip(everything, _colours(everything), strict=True):
        axes.plot(range(1, len(scores.curve)), scores.curve[1:], color=colour, label=name, linewidth=1.6)
    axes.set_xlim(0, max(high, *(len(scores.curve) for _, scores in everything)))
    axes.set_ylim(0, 1)
    axes.legend(frameon=False)
    return _svg(figure)


def accuracy_robustness(everything: list[tuple[str, Scores]]) -> str:
    """Accuracy by robustness, of named trackers; better is up and to the right."""
    figure, axes = _figure("robustness", "accuracy")
    for (name, scores), colour in zip(everything, _colours(everything), strict=True):
        axes.scatter([scores.total.robustness], [scores.total.accuracy], color=colour, s=60, label=name)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.legend(frameon=False, loc="best")
    return _svg(figure)


def success(everything: list[OnePass]) -> str:
    """OTB's success plot, the area under each curve in the legend."""
    figure, axes = _figure("overlap threshold", "success")
    _curves(axes, OVERLAPS.tolist(), [(each.label, each.success, each.total.success) for each in everything])
    return _svg(figure)


def precision(everything: list[OnePass]) -> str:
    """OTB's precision plot, each value at 20 pixels in the legend."""
    figure, axes = _figure("distance of the centres, pixels", "precision")
    _curves(axes, DISTANCES.tolist(), [(each.label, each.precision, each.total.precision) for each in everything])
    return _svg(figure)


def _curves(axes: matplotlib.axes.Axes, steps: Sequence[float], lines: list[tuple[str, list[float], float]]) -> None:
    """Draws named curves from 0 to 1, with a number for each."""
    for (name, values, number), colour in zip(lines, _colours(lines), strict=True):
        axes.plot(steps, values, color=colour, label=f"{name} [{number:.3f}]", linewidth=1.6)
    axes.set_xlim(0, steps[-1])
    axes.set_ylim(0, 1)
    axes.legend(frameon=False, loc="best")


def _colours(everything: list[tuple]) -> list[str]:
    return [COLOURS[index % len(COLOURS)] for index in range(len(everything))]


def _figure(horizontal: str, vertical: str) -> tuple[Figure, matplotlib.axes.Axes]:
    figure = Figure(figsize=(5.6, 3.6), layout="constrained")
    # The page's own background shows through.
    figure.set_facecolor("none")
    axes = figure.add_subplot(facecolor="none")
    axes.set_xlabel(horizontal)
    axes.set_ylabel(vertical)
    axes.grid(visible=True, color="#e5e7e9", linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Figure) -> str:
    """The figure as an SVG element, without the prologue of a file of its own."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
