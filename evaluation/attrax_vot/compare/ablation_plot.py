"""An ablation as a picture: each measure over lambda, and next to it the other variants."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attrax_vot.compare.ablation import Ablation
from attrax_vot.compare.ablation_measures import COLUMNS, by_seed, over_seeds
from attrax_vot.compare.columns import MeasureColumn
from attrax_vot.compare.variants import is_lambda, weight
from attrax_vot.files import replacing
from attrax_vot.report.plots import COLOURS

SHOWN = ["precision", "success", "success_half", "accuracy", "failures", "eao"]
BETTER = {"up": "higher is better", "down": "lower is better"}
SEED = "#7b8a97"


def draw(found: Ablation, path: Path) -> bool:
    """Draws the measures on all sequences.

    Returns:
        Whether there was anything to draw; otherwise no file is written.
    """
    columns = [column for name in SHOWN for column in COLUMNS if column.name == name]
    if not any(by_seed(found, name, column) for name in found.variants for column in columns):
        return False
    places = _places(found)
    figure = Figure(figsize=(13, 7.2), layout="constrained", dpi=120)
    panels = figure.subplots(2, 3).flat
    for axes, column in zip(panels, columns, strict=True):
        _panel(axes, found, column, places)
    names = ", ".join(found.sequences) if len(found.sequences) < 6 else f"{len(found.sequences)} sequences"
    figure.suptitle(f"{found.tracker} on {names}: mean over seeds, their spread, and each seed (grey)", fontsize=12)
    with replacing(path) as part:
        figure.savefig(part, format="png")
    return True


def _places(found: Ablation) -> dict[str, float]:
    """Where each variant stands: steps of lambda at their value, the others to the right of them."""
    steps = {name: weight(name) for name in found.variants if is_lambda(name)}
    end = max(steps.values(), default=0.0)
    gap = max(end, 4.0) / 6
    others = [name for name in found.variants if name not in steps]
    return steps | {name: end + gap * (1.2 + index) for index, name in enumerate(others)}


def _panel(axes: Axes, found: Ablation, column: MeasureColumn, places: dict[str, float]) -> None:
    """One measure."""
    steps = [name for name in places if is_lambda(name)]
    for names, colour, line in ((steps, COLOURS[1], "-"), ([n for n in places if n not in steps], COLOURS[0], "none")):
        known = {name: over_seeds(found, name, column) for name in names}
        known = {name: spread for name, spread in known.items() if spread.count}
        for name in known:
            values = list(by_seed(found, name, column).values())
            axes.scatter([places[name]] * len(values), values, s=14, color=SEED, zorder=2)
        if known:
            axes.errorbar(
                [places[name] for name in known],
                [spread.mean for spread in known.values()],
                # Of a single seed there is no spread: matplotlib leaves out what is not a number.
                yerr=[spread.spread for spread in known.values()],
                color=colour, linestyle=line, linewidth=1.6, marker="o", markersize=6, capsize=4, zorder=3,
            )  # fmt: skip
    if steps and len(places) > len(steps):
        axes.axvline((places[steps[-1]] + min(places[n] for n in places if n not in steps)) / 2, color="#d5dbdf")
    axes.set_xticks(list(places.values()), [f"{weight(n):g}" if is_lambda(n) else n for n in places])
    for text, name in zip(axes.get_xticklabels(), places, strict=True):
        if not is_lambda(name):
            text.set(rotation=30, ha="right", rotation_mode="anchor")
    axes.set_title(f"{column.head} ({BETTER[column.better]})", fontsize=11)
    axes.set_xlabel("lambda" if steps else "")
    axes.margins(y=0.12)
    first, last = min(places.values()), max(places.values())
    edge = max(last - first, 1.0) * 0.06
    axes.set_xlim(first - edge, last + edge)
    if any(by_seed(found, name, column) for name in places):
        _widen(axes, 1.0 if column.name == "failures" else 0.02)
    else:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "nothing to show", transform=axes.transAxes, ha="center", color=SEED)
    axes.grid(visible=True, axis="y", color="#e5e7e9", linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)


def _widen(axes: Axes, least: float) -> None:
    """Makes the vertical axis span at least so much: next to nothing must not look like a difference."""
    low, high = axes.get_ylim()
    more = max(0.0, least - (high - low)) / 2
    axes.set_ylim(low - more, high + more)
