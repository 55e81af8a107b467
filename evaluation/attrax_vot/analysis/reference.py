"""Raw results that others have published, brought into a workspace as one more tracker.

They come as the MATLAB toolkit wrote them: `<experiment>/<sequence>/<sequence>_001.txt`, with one region a
line, and `<sequence>_time.txt`, with the seconds of each frame, one column for each repetition. Other separators and
missing seconds are read too.
"""

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

from vot.tracker import Trajectory

from attrax_vot.analysis import exchange
from attrax_vot.files import write_whole
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.experiment import Experiment
    from vot.experiment.multirun import MultiRunExperiment


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
    text = registry.read_text() if registry.is_file() else ""
    if not re.search(rf"^\[{re.escape(name)}\]", text, re.MULTILINE):
        label = f"{name.removesuffix('-published')} (published)"
        # Appended: what stands there stays as it is, comments included.
        before = text + "\n" * (not text.endswith("\n")) + "\n" if text else ""
        write_whole(registry, f"{before}[{name}]\nlabel = {label}\nprotocol = unknown\ncommand =\n")
    return name


def identifier(directory: Path) -> str:
    """What the published results in a folder are called in a registry."""
    return re.sub(r"[^a-zA-Z0-9-_]", "-", directory.resolve().name) + "-published"


def read(
    directory: Path, workspace: Path, identifier: str, experiment: "Experiment", sequences: list["Sequence"]
) -> dict[Path, str]:
    """The published results of the sequences as files of the workspace, in today's format; nothing is written.

    Raises:
        EvaluationError: there are results of no sequence, some are of another length, or a line cannot be read.
    """
    if not directory.is_dir():
        raise EvaluationError(f"there is no folder {directory} with published results")
    made: dict[Path, str] = {}
    for sequence in sequences:
        target = workspace / "results" / identifier / experiment.identifier / sequence.name
        times = _read_times(directory / experiment.identifier / sequence.name / f"{sequence.name}_time.txt")
        for index, file in enumerate(_files(directory, experiment, sequence)):
            lines = _read_regions(file)
            if len(lines) != len(sequence):
                raise EvaluationError(f"{file} has {len(lines)} regions, {sequence.name} {len(sequence)} frames")
            made[target / file.name] = "".join(f"{line}\n" for line in lines)
            column = [row[index] if index < len(row) else None for row in times[: len(lines)]]
            column += [None] * (len(lines) - len(column))
            if any(value is not None for value in column):
                values = ("" if value is None else str(value) for value in _shift(lines, column))
                made[target / f"{file.stem}_time.value"] = "".join(f"{value}\n" for value in values)
    if not made:
        name = sequences[0].name
        place = directory / experiment.identifier
        raise EvaluationError(f"{place} has no results of any of the sequences, such as {name}/{name}_001.txt")
    return made


def write(made: dict[Path, str]) -> None:
    """Writes what `read` gave."""
    for path, text in made.items():
        write_whole(path, text)


def add(
    workspace: Path, directories: list[Path], experiments: list[tuple["MultiRunExperiment", list["Sequence"]]]
) -> list[str]:
    """Brings published results into a workspace and registers them there.

    Args:
        workspace: a prepared one.
        directories: folders of results, in either layout of `exchange`.
        experiments: that they may be of, with their sequences.

    Returns:
        Their identifiers.

    Raises:
        EvaluationError: as `read`, of any of them; nothing is written or registered.
    """
    for made in [made for each in directories for made in _of_experiments(workspace, each, experiments)]:
        write(made)
    return [register(workspace, directory) for directory in directories]


def _of_experiments(
    workspace: Path, directory: Path, experiments: list[tuple["MultiRunExperiment", list["Sequence"]]]
) -> list[dict[Path, str]]:
    """Published results of every experiment that they are of, as files of the workspace."""
    if not directory.is_dir():
        raise EvaluationError(f"there is no folder {directory} with published results")
    names = list(dict.fromkeys(each.name for _, sequences in experiments for each in sequences))
    source = exchange.as_vot(directory, workspace, [experiment for experiment, _ in experiments], names)
    held = [each for each in experiments if (source / each[0].identifier).is_dir()]
    return [read(source, workspace, identifier(directory), *each) for each in held or experiments[:1]]


def _read_regions(file: Path) -> list[str]:
    """A region for each frame, in the toolkit's form: 4, 6, 8 or more numbers, a mask, or a special code.

    Numbers may be parted by commas, blanks, tabs or semicolons. "Not a number" is the toolkit's unknown region.
    """
    lines = []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        text = line.strip(" \t,;")
        if not text:
            continue
        if text[0] in "mM":
            lines.append(text)
            continue
        words = re.split(r"[,;\s]+", text)
        try:
            values = [float(word) for word in words]
        except ValueError:
            raise EvaluationError(f"{file}, line {number}: '{text[:60]}' is no region") from None
        if any(math.isnan(value) for value in values):
            lines.append(str(Trajectory.UNKNOWN))
        elif len(values) == 1:
            lines.append(str(int(values[0])))
        elif all(map(math.isfinite, values)) and (len(values) == 4 or (len(values) > 5 and len(values) % 2 == 0)):
            lines.append(",".join(words))
        else:
            raise EvaluationError(
                f"{file}, line {number}: {len(values)} numbers; a rectangle has four, a polygon six or more, a code one"
            )
    return lines


def _files(directory: Path, experiment: "Experiment", sequence: "Sequence") -> list[Path]:
    """The published repetitions of a sequence."""
    return sorted((directory / experiment.identifier / sequence.name).glob(f"{sequence.name}_[0-9][0-9][0-9].txt"))


def _read_times(path: Path) -> list[list[float | None]]:
    """Seconds by frame and repetition, none where they are missing; nothing where they were not published.

    Raises:
        EvaluationError: a cell is not a number.
    """
    if not path.is_file():
        return []
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not (text := line.strip()):
            continue
        cells = text.rstrip(",").split(",") if "," in text else text.split()
        try:
            row = [float(cell) if cell.strip() else math.nan for cell in cells]
        except ValueError:
            raise EvaluationError(f"{path}, line {number}: '{text[:60]}' are no seconds") from None
        rows.append([None if math.isnan(value) else value for value in row])
    return rows


def _shift(lines: list[str], times: list[float | None]) -> list[float | None]:
    """Puts the seconds of an initialisation where they belong.

    A tracker that the MATLAB toolkit drives step by step answers an initialisation together with the frame
    after it: the one has next to no seconds, and the other those of both.
    """
    shifted = list(times)
    start = str(Trajectory.INITIALIZATION)
    for frame, line in enumerate(lines[:-1]):
        now, then = times[frame], times[frame + 1]
        if line == start and now is not None and then is not None and now < 0.01 * then:
            # What the second frame took alone is not known: it counts for nothing.
            shifted[frame], shifted[frame + 1] = then, math.nan
    return shifted
