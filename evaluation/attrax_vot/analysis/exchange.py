"""Results in the layouts that other toolkits read: the VOT MATLAB toolkit's, and that of GOT-10k's toolkit.

`vot` is `<experiment>/<sequence>/<sequence>_001.txt`, a region a line, and `<sequence>_time.txt`, seconds, a column for
each repetition. `got10k` is `<sequence>/<sequence>_001.txt`, a box a line, of one pass without supervision.
"""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vot.experiment.multirun import UnsupervisedExperiment
from vot.region import Mask, Polygon, Special
from vot.tracker import Trajectory

from attrax_vot.analysis import otb, results
from attrax_vot.analysis.runs import Run
from attrax_vot.files import write_whole
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from vot.experiment.multirun import MultiRunExperiment
    from vot.region import Region

LAYOUTS = ("vot", "got10k")
# The file that says where results come from.
PROVENANCE = "provenance.json"


def export(run: Run, layout: str, out: Path) -> list[Path]:
    """Writes the whole repetitions of a tracker.

    Args:
        run: whose results; sequences without a whole repetition are left out.
        layout: one of `LAYOUTS`.
        out: the folder that stands for the tracker.

    Returns:
        The files.
    """
    files = []
    for sequence in run.sequences:
        folder = out / sequence.name if layout == "got10k" else out / run.experiment.identifier / sequence.name
        columns = []
        for repetition in run.repetitions(sequence):
            name = results.name(sequence, repetition.index)
            trajectory = run.trajectory(sequence, repetition.index)
            columns.append([trajectory.properties(frame).get("time", math.nan) for frame in range(len(trajectory))])
            regions = trajectory.regions()
            if layout == "got10k":
                lines = [_box(region) for region in (sequence.groundtruth(0), *regions[1:])]
            else:
                lines = [_line(region) for region in regions]
            files.append(folder / f"{name}.txt")
            write_whole(files[-1], "".join(f"{line}\n" for line in lines))
        if columns:
            rows = [",".join(repr(float(value)) for value in row) for row in zip(*columns, strict=True)]
            files.append(folder / f"{sequence.name}_time.txt")
            write_whole(files[-1], "".join(f"{row}\n" for row in rows))
    return files


def note(out: Path, content: dict[str, Any]) -> Path:
    """Writes down where results come from, next to them."""
    path = out / PROVENANCE
    write_whole(path, json.dumps(content, indent=2) + "\n")
    return path


def as_vot(directory: Path, workspace: Path, experiments: list["MultiRunExperiment"], names: list[str]) -> Path:
    """Results in either layout as a folder in VOT's.

    Args:
        directory: with results; returned as it is unless they are in GOT-10k's layout.
        workspace: which keeps the copy, in `.attrax/imported`.
        experiments: of the workspace.
        names: of its sequences.

    Raises:
        EvaluationError: they are of one pass, and the workspace has no experiment without supervision.
    """
    here = [name for name in names if (directory / name / f"{name}_001.txt").is_file()]
    if not here or any((directory / each.identifier).is_dir() for each in experiments):
        return directory
    free = next((each for each in experiments if isinstance(each, UnsupervisedExperiment)), None)
    if free is None:
        raise EvaluationError(f"{directory} holds results of one pass; the workspace has no unsupervised experiment")
    copy = workspace / ".attrax" / "imported" / directory.resolve().name
    for name in here:
        for file in sorted((directory / name).glob(f"{name}_*.txt")):
            text = file.read_text()
            if not file.stem.endswith("_time"):
                _, *rest = text.splitlines()
                # A missing box means that the tracker had none.
                lines = [line if "nan" not in line.lower() else str(Trajectory.UNKNOWN) for line in rest]
                text = "".join(f"{line}\n" for line in (str(Trajectory.INITIALIZATION), *lines))
            write_whole(copy / free.identifier / name / file.name, text)
    return copy


def _line(region: "Region") -> str:
    """A region as the MATLAB toolkit writes it; nine digits tell every number of 32 bits from the next."""
    if isinstance(region, Special):
        return str(region.code)
    if isinstance(region, Polygon):
        return ",".join(f"{value:.9g}" for index in range(region.size) for value in region[index])
    if isinstance(region, Mask):
        raise EvaluationError("masks have no place in the MATLAB toolkit's files")
    return _box(region)


def _box(region: "Region") -> str:
    """Left, top, width and height."""
    if isinstance(region, Special):
        return "nan,nan,nan,nan"
    return ",".join(f"{value:.9g}" for value in otb.box(region))
