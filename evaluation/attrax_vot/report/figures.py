"""Figures as files, for papers and slides."""

import io
import math
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from attrax_vot.errors import EvaluationError
from attrax_vot.explore.study import Playback, Study, shape
from attrax_vot.files import write_whole
from attrax_vot.report import plots, tables
from attrax_vot.report.collect import Report
from attrax_vot.report.pictures import Picture
from attrax_vot.report.plots import Style, legend

FORMATS = ("pdf", "svg", "png")
# No date, so that the same results make the same file.
METADATA: dict[str, dict[str, None]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
HATCHES = ["", "///", "...", "xxx", "\\\\\\", "ooo", "+++"]
# Frames of a strip, and the width of one, in inches.
FRAMES, TILE = 5, 2.3


def draw(kind: str, report: Report, study: Callable[[], Study], names: list[str] | None) -> dict[str, Figure]:
    """Draws a kind of figure.

    Args:
        kind: one of `KINDS`.
        report: of the workspace.
        study: opens the same workspace, for figures that show frames.
        names: of the sequences, for figures of single sequences; the hardest one when there are none.

    Returns:
        The figures by the names of their files.

    Raises:
        EvaluationError: the workspace has no results of that kind, or a sequence is unknown.
    """
    if kind == "timeline":
        return {f"{kind}-{name}": timeline(report, name) for name in _sequences(report, names)}
    if kind == "strip":
        wanted, opened = _sequences(report, names), study()
        return {f"{kind}-{name}": strip(report, opened, name) for name in wanted}
    if kind in ("success", "precision"):
        _require(report.one_pass, "one-pass results (an unsupervised experiment)")
    elif kind != "speed":
        _require(report.entries, "results of a supervised experiment")
    return {kind: KINDS[kind](report)}


def write(figures: dict[str, Figure], out: Path, formats: list[str]) -> list[Path]:
    """Writes figures into a folder.

    Args:
        figures: by the names of their files.
        out: the folder.
        formats: some of `FORMATS`.
    """
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, drawn in figures.items():
        for form in formats:
            paths.append(out / f"{name}.{form}")
            # Not to the file itself: an older figure stays where this one cannot be written.
            content = io.BytesIO()
            drawn.savefig(content, format=form, dpi=200, metadata=METADATA[form])
            write_whole(paths[-1], content.getvalue())
    return paths


def ranking(report: Report) -> Figure:
    """A line for each tracker, the largest expected average overlap at the top."""
    called = tables.names(report)
    order = report.references
    known = [(called[each.reference], each.scores.total.eao, order.index(each.reference)) for each in report.entries]
    known = sorted((each for each in known if not math.isnan(each[1])), key=lambda each: each[1])
    _require(known, "runs that are long enough for an expected average overlap")
    drawn, axes = plots.figure("expected average overlap", "", (5.6, 0.9 + 0.32 * len(known)))
    for row, (_, value, index) in enumerate(known):
        axes.plot([0, value], [row, row], color=Style(index).colour, linestyle=Style(index).dash, linewidth=1.4)
        axes.plot([value], [row], color=Style(index).colour, marker=Style(index).shape, markersize=7)
        axes.annotate(f"{value:.3f}", (value, row), xytext=(8, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(range(len(known)), [name for name, *_ in known])
    axes.set_xlim(0, max(value for _, value, _ in known) * 1.15)
    axes.set_ylim(-0.6, len(known) - 0.4)
    return drawn


def by_attribute(report: Report) -> Figure:
    """Failures in a hundred frames with each attribute."""
    called = tables.names(report)
    labels = [each.label for each in report.entries[0].attributes]
    drawn, axes = plots.figure("", "failures in 100 frames", (7.2, 3.6))
    width = 0.8 / len(report.entries)
    for index, entry in enumerate(report.entries):
        drawn_as = report.references.index(entry.reference)
        places = np.arange(len(labels)) + (index - (len(report.entries) - 1) / 2) * width
        axes.bar(
            places, [each.rate for each in entry.attributes], width, label=legend(called[entry.reference]),
            facecolor=Style(drawn_as).colour, edgecolor="white", hatch=HATCHES[drawn_as % len(HATCHES)],
        )  # fmt: skip
    axes.set_xticks(range(len(labels)), [label.replace(" ", "\n") for label in labels])
    axes.legend(frameon=False)
    return drawn


def speed(report: Report) -> Figure:
    """Expected average overlap, or the area under the success plot, by frames a second."""
    called = tables.names(report)
    found = [
        (
            report.references.index(each.reference),
            called[each.reference],
            1 / each.scores.total.seconds_per_frame,
            each.scores.total.eao,
        )
        for each in report.entries
        if each.scores.total.seconds_per_frame > 0 and not math.isnan(each.scores.total.eao)
    ]
    _require(found, "trackers with both seconds and an expected average overlap")
    drawn, axes = plots.figure("frames per second", "expected average overlap")
    axes.set_xscale("log")
    axes.set_xlim(min(each[2] for each in found) / 3, max(each[2] for each in found) * 3)
    axes.set_ylim(0, max(each[3] for each in found) * 1.3)
    plots.points(axes, found)
    return drawn


def timeline(report: Report, name: str) -> Figure:
    """Overlap of every tracker over the frames of a sequence, with failures; above its attributes."""
    place = next(each for each in report.places if each.name == name)
    called = tables.names(report)
    drawn, axes = plots.figure("frame", "overlap", (7.2, 3.0))
    for lane, line in enumerate(place.timelines):
        values = np.array([np.nan if value is None else value for value in line.overlaps], float)
        style = Style(report.references.index(line.tracker))
        axes.plot(values, label=legend(called[line.tracker]), **style.line(len(values)))
        height = 1.04 + 0.06 * lane
        axes.plot(line.failures, [height] * len(line.failures), style.shape, color=style.colour, clip_on=False, ms=6)
    axes.set_xlim(0, place.frames - 1)
    axes.set_ylim(0, 1.04 + 0.06 * len(place.timelines))
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.set_title(f"{name}; marks above 1: failures", fontsize=9, loc="left")
    axes.legend(frameon=False, fontsize=8, handlelength=3.5)
    return drawn


def strip(report: Report, study: Study, name: str) -> Figure:
    """Frames of a sequence with ground truth and the boxes of every tracker, those before the first failure if any."""
    place = next(each for each in report.places if each.name == name)
    experiment = next(iter(study.experiments))
    sequence = next(each for each in study.sequences_of(experiment) if each.name == name)
    called, runs = tables.names(report), []
    for line in place.timelines:
        tracker = study.tracker(line.tracker)
        if tracker is not None:
            runs.append(
                (
                    report.references.index(line.tracker),
                    called[line.tracker],
                    study.playback(experiment, tracker, sequence, 1),
                )
            )
    lost = min((frame for line in place.timelines for frame in line.failures), default=None)
    last = place.frames - 1 if lost is None else lost
    frames = sorted({round(last * (step + 1) / FRAMES) for step in range(FRAMES)})
    pictures = [_picture(sequence.frame(frame).filename()) for frame in frames]
    height, width = pictures[0].shape[:2]
    drawn = Figure(figsize=(TILE * len(frames), TILE * height / width + 0.45), layout="constrained")
    for axes, frame, picture in zip(np.atleast_1d(drawn.subplots(1, len(frames))), frames, pictures, strict=True):
        axes.imshow(picture)
        axes.set_axis_off()
        axes.set_title(f"frame {frame}", fontsize=8)
        _boxes(axes, frame, shape(sequence.groundtruth(frame)), runs)
    handles, labels = drawn.axes[0].get_legend_handles_labels()
    drawn.legend(
        handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8,
        frameon=False, handlelength=3.5,
    )  # fmt: skip
    return drawn


def _picture(name: str) -> Picture:
    """A frame, in red, green and blue."""
    picture = cv2.imread(name)
    if picture is None:
        raise EvaluationError(f"{name} cannot be read as an image")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _boxes(axes: Axes, frame: int, truth: list[float] | None, runs: list[tuple[int, str, Playback]]) -> None:
    """Outlines in a frame: white over black for ground truth, then each tracker's."""
    dark = [withStroke(linewidth=2.8, foreground="black")]
    axes.plot(*_corners(truth), color="white", linewidth=1.2, label="ground truth", path_effects=dark)
    for index, name, run in runs:
        style = Style(index)
        corners = _corners(run.regions[frame])
        axes.plot(*corners, color=style.colour, linestyle=style.dash, linewidth=1.6, label=legend(name))


def _corners(region: list[float] | None) -> tuple[list[float], list[float]]:
    """A closed outline; empty where there is no region."""
    if region is None:
        return [], []
    if len(region) == 4:
        left, top, width, height = region
        region = [left, top, left + width, top, left + width, top + height, left, top + height]
    return [*region[::2], region[0]], [*region[1::2], region[1]]


def _sequences(report: Report, names: list[str] | None) -> list[str]:
    """The wanted sequences, or the hardest one."""
    known = [place.name for place in report.places if place.timelines]
    _require(known, "results of a supervised experiment")
    if unknown := [name for name in names or [] if name not in known]:
        raise EvaluationError(f"no results on {', '.join(unknown)}; there are some on {', '.join(known)}")
    return names or [tables.hardest(report)]


def _require(found: object, what: str) -> None:
    if not found:
        raise EvaluationError(f"the workspace has no {what}, which this figure shows")


def _curves(report: Report) -> list:
    called = tables.names(report)
    return [(called[entry.reference], entry.scores) for entry in report.entries]


KINDS: dict[str, Callable[[Report], Figure]] = {
    "eao": lambda report: plots.eao_curve(_curves(report), report.references),
    "ar": lambda report: plots.accuracy_robustness(_curves(report), report.references),
    "ranking": ranking,
    "success": lambda report: plots.success(report.one_pass, report.references),
    "precision": lambda report: plots.precision(report.one_pass, report.references),
    "attributes": by_attribute,
    "speed": speed,
}
