"""Curves over the training on a first frame: cross-entropy, the regulariser's R, and attention inside the box after it.

`attrax track` logs both losses of every iteration that is regularised. With `--set attention.interval=1` that is every
one; with a lambda of 1e-6 R is watched without an effect on the training.
"""

import csv
import math
import os
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from matplotlib.figure import Figure

from attrax_vot.analysis import summary
from attrax_vot.compare.arms import Arms
from attrax_vot.datasets.clip import Clip
from attrax_vot.files import replacing, write_whole
from attrax_vot.program import binary
from attrax_vot.report.plots import COLOURS
from attrax_vot.run.toolkit import EvaluationError

LINE = re.compile(r"cross-entropy ([-+.0-9a-zA-Z]+), R ([-+.0-9a-zA-Z]+)")
# Iterations in the table; of fewer, the last one.
SHOWN = (1, 10, 25, 50, 100)


@dataclass(frozen=True)
class Point:
    """A regularised iteration of a training.

    Attributes:
        arm: its name.
        sequence: its name.
        iteration: number of the regularised iteration, from 1 on.
        cross_entropy: of the mini-batch.
        regulariser: R of the mini-batch.
        attention_inside: share of positive attention inside the box after the training.
    """

    arm: str
    sequence: str
    iteration: int
    cross_entropy: float
    regulariser: float
    attention_inside: float


def measure(directory: Path, clips: list[Clip], arms: Arms, jobs: int) -> list[Path]:
    """Trains on the first frame of each sequence by each arm, and writes what was logged.

    Args:
        directory: where `curves.csv`, `curves.md` and `curves.svg` go.
        clips: the sequences.
        arms: names and flags of `attrax track`.
        jobs: trainings at a time, one thread each.

    Returns:
        The files.

    Raises:
        EvaluationError: a training failed, or no iteration of an arm is regularised.
    """
    wanted = [(name, flags, clip) for clip in clips for name, flags in arms.items()]
    data, text = directory / "curves.csv", directory / "curves.md"
    points: list[Point] = []
    with ThreadPoolExecutor(jobs) as pool:
        for found in pool.map(lambda each: _train(*each), wanted):
            points += found
            # The files of an interrupted run have the trainings that ended.
            write_whole(data, summary.csv_text(Point, points))
            write_whole(text, summary.markdown_table(table(points)) + "\n")
    picture = directory / "curves.svg"
    draw(points, picture)
    return [data, text, picture]


def table(points: list[Point]) -> list[list[str]]:
    """A row for each arm: means over the sequences at some iterations."""
    last = max(point.iteration for point in points)
    shown = [each for each in SHOWN if each < last] + [last]
    rows = []
    for arm in dict.fromkeys(point.arm for point in points):
        mine = [point for point in points if point.arm == arm]

        def mean(name: str, iteration: int, mine: list[Point] = mine) -> str:
            known = [getattr(point, name) for point in mine if point.iteration == iteration]
            return summary.number(fmean(known) if known else math.nan, 2)

        inside = fmean({point.sequence: point.attention_inside for point in mine}.values())
        cells = [mean(name, each) for name in ("regulariser", "cross_entropy") for each in shown]
        rows.append([arm, *cells, summary.number(inside, 3)])
    heads = [f"{name} at {each}" for name in ("R", "cross-entropy") for each in shown]
    return [["arm", *heads, "attention inside"], *rows]


def draw(points: list[Point], path: Path) -> None:
    """Draws R and the cross-entropy over the iterations: means over the sequences and over eleven iterations."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    panels = figure.subplots(1, 2)
    arms = list(dict.fromkeys(point.arm for point in points))
    for axes, name, title in zip(panels, ("regulariser", "cross_entropy"), ("R", "cross-entropy"), strict=True):
        for index, arm in enumerate(arms):
            by_iteration: dict[int, list[float]] = {}
            for point in points:
                if point.arm == arm:
                    by_iteration.setdefault(point.iteration, []).append(getattr(point, name))
            means = [fmean(values) for values in by_iteration.values()]
            smooth = [fmean(means[max(0, at - 5) : at + 6]) for at in range(len(means))]
            axes.plot(list(by_iteration), smooth, color=COLOURS[index % len(COLOURS)], linewidth=1.5, label=arm)
        axes.set(title=title, xlabel="iteration")
        axes.grid(visible=True, axis="y", color="#e5e7e9", linewidth=0.7)
        axes.spines[["top", "right"]].set_visible(False)
    low, high = panels[0].get_ylim()
    # A small difference must look small.
    more = max(0.0, 1.0 - (high - low)) / 2
    panels[0].set_ylim(low - more, high + more)
    panels[0].legend(fontsize=8, frameon=False)
    with replacing(path) as part:
        figure.savefig(part, format="svg", metadata={"Date": None})


def _train(arm: str, flags: tuple[str, ...], clip: Clip) -> list[Point]:
    """One training."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "boxes.csv"
        command = [str(binary()), "track", str(clip.frames[0]), "--box", _box(clip), *flags, "--threads", "1"]
        command += ["--maps", str(Path(folder) / "maps"), "--out", str(out)]
        environment = os.environ | {"RUST_LOG": "attrax=trace,attrax_tracker=trace"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            raise EvaluationError(f"arm {arm}, {clip.name}: {done.stderr.strip().splitlines()[-1]}")
        inside = float(next(iter(csv.DictReader(out.read_text().splitlines())))["attention_inside"])
    found = LINE.findall(done.stderr)
    if not found:
        raise EvaluationError(f"arm {arm}: no iteration is regularised; give it a lambda above 0, such as 1e-6")
    return [
        Point(arm, clip.name, number, float(entropy), float(value), inside)
        for number, (entropy, value) in enumerate(found, 1)
    ]


def _box(clip: Clip) -> str:
    """The box that `attrax serve` starts from: of the first region's centre and area."""
    numbers = clip.regions[0]
    if numbers is None:
        raise EvaluationError(f"{clip.name} has no rectangle or polygon in its first frame")
    if len(numbers) == 4:
        return ",".join(f"{value:.4f}" for value in numbers)
    x, y = np.array(numbers[::2]), np.array(numbers[1::2])
    width, height = np.ptp(x), np.ptp(y)
    area = abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
    scale = math.sqrt(area / (width * height))
    left, top = x.mean() - width * scale / 2, y.mean() - height * scale / 2
    return ",".join(f"{value:.4f}" for value in (left, top, width * scale, height * scale))
