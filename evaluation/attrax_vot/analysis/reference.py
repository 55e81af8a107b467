"""Raw results that others have published, brought into a workspace as one more tracker.

They come as the MATLAB toolkit wrote them: `<experiment>/<sequence>/<sequence>_001.txt`, with one region a
line, and `<sequence>_time.txt`, with the seconds of each frame, one column for each repetition.
"""

import configparser
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

from vot.tracker import Trajectory

from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.experiment import Experiment


def register(workspace: Path, directory: Path) -> str:
    """Registers the published results in a folder as a tracker of the workspace, one that cannot be run.

    Args:
        workspace: a prepared one.
        directory: with a folder for each experiment.

    Returns:
        The tracker's identifier: the folder's name and `-published`.

    Raises:
        EvaluationError: the folder is not there.
    """
    if not directory.is_dir():
        raise EvaluationError(f"there is no folder {directory} with published results")
    name = identifier(directory)
    registry = workspace / "trackers.ini"
    config = configparser.ConfigParser()
    config.read(registry)
    if not config.has_section(name):
        label = f"{name.removesuffix('-published')} (published)"
        config[name] = {"label": label, "protocol": "unknown", "command": ""}
        with registry.open("w") as file:
            config.write(file)
    return name


def identifier(directory: Path) -> str:
    """What the published results in a folder are called in a registry."""
    return re.sub(r"[^a-zA-Z0-9-_]", "-", directory.resolve().name) + "-published"


def bring_in(
    directory: Path, workspace: Path, identifier: str, experiment: "Experiment", sequences: list["Sequence"]
) -> None:
    """Copies the published results of the sequences into the workspace, in today's format.

    Sequences of which nothing was published are left out.

    Raises:
        EvaluationError: there are results of no sequence, or some are of another length.
    """
    _check(directory, experiment, sequences)
    for sequence in sequences:
        source = directory / experiment.identifier / sequence.name
        found = _files(directory, experiment, sequence)
        if not found:
            continue
        target = workspace / "results" / identifier / experiment.identifier / sequence.name
        target.mkdir(parents=True, exist_ok=True)
        times = _read_times(source / f"{sequence.name}_time.txt")
        for index, file in enumerate(found):
            lines = file.read_text().split()
            (target / file.name).write_text("".join(f"{line}\n" for line in lines))
            column = [row[index] if index < len(row) else 0.0 for row in times] or [0.0] * len(lines)
            values = "".join(f"{value}\n" for value in _shift(lines, column))
            (target / f"{file.stem}_time.value").write_text(values)


def add(workspace: Path, directories: list[Path], experiment: "Experiment", sequences: list["Sequence"]) -> list[str]:
    """Brings published results into a workspace and registers them there.

    Returns:
        Their identifiers.

    Raises:
        EvaluationError: there are results of no sequence, or some are of another length; nothing is registered.
    """
    for directory in directories:
        bring_in(directory, workspace, identifier(directory), experiment, sequences)
    return [register(workspace, directory) for directory in directories]


def _check(directory: Path, experiment: "Experiment", sequences: list["Sequence"]) -> None:
    """Makes sure that a folder holds published results of the sequences, before anything is written."""
    if not directory.is_dir():
        raise EvaluationError(f"there is no folder {directory} with published results")
    found = [(each, file) for each in sequences for file in _files(directory, experiment, each)]
    if not found:
        name = sequences[0].name
        place = directory / experiment.identifier
        raise EvaluationError(f"{place} has no results of any of the sequences, such as {name}/{name}_001.txt")
    for sequence, file in found:
        lines = len(file.read_text().split())
        if lines != len(sequence):
            raise EvaluationError(f"{file} has {lines} regions, {sequence.name} {len(sequence)} frames")


def _files(directory: Path, experiment: "Experiment", sequence: "Sequence") -> list[Path]:
    """The published repetitions of a sequence."""
    return sorted((directory / experiment.identifier / sequence.name).glob(f"{sequence.name}_[0-9][0-9][0-9].txt"))


def _read_times(path: Path) -> list[list[float]]:
    """Seconds by frame and repetition; nothing where they were not published."""
    if not path.is_file():
        return []
    return [[float(value) for value in line.split(",")] for line in path.read_text().split()]


def _shift(lines: list[str], times: list[float]) -> list[float]:
    """Puts the seconds of an initialisation where they belong.

    A tracker that the MATLAB toolkit drives step by step answers an initialisation together with the frame
    after it: the one has next to no seconds, and the other those of both.
    """
    shifted = list(times)
    start = str(Trajectory.INITIALIZATION)
    for frame, line in enumerate(lines[:-1]):
        if line == start and times[frame] < 0.01 * times[frame + 1]:
            # What the second frame took alone is not known: it counts for nothing.
            shifted[frame], shifted[frame + 1] = times[frame + 1], math.nan
    return shifted
