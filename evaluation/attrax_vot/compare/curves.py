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

from attrax.binary import binary
from attrax_vot.analysis import summary
from attrax_vot.compare.arms import Arms
from attrax_vot.datasets.clip import Clip
from attrax_vot.files import write_whole
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
        directory: where `curves.csv` and `curves.md` go.
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
    return [data, text]


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
