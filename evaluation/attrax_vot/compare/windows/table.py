"""The table of runs in windows, a CSV file."""

import csv
import math
from dataclasses import dataclass, fields
from pathlib import Path

from attrax_vot.analysis import summary
from attrax_vot.files import write_whole
from attrax_vot.run.toolkit import EvaluationError

NAME = "windows.csv"


@dataclass(frozen=True)
class WindowRow:
    """One run.

    Attributes:
        arm: its name.
        seed: of its random draws.
        sequence: its name.
        start: index of the frame that the tracker was initialised in.
        frames: number of frames after it.
        overlap: mean over these frames, where 0 counts from the first frame without any overlap.
        failed_at: number of frames after the start until that frame; not a number where there is none.
        accuracy: mean overlap of the frames before it; not a number where there are none.
        seconds_per_frame: the tracker's, without the initialisation.
        seconds_per_initialization: the tracker's.
        program: first digits of the SHA-256 of the tracker's program.
    """

    arm: str
    seed: int
    sequence: str
    start: int
    frames: int
    overlap: float
    failed_at: float
    accuracy: float
    seconds_per_frame: float
    seconds_per_initialization: float
    program: str

    @property
    def tracked(self) -> int:
        """Number of frames before the first one without any overlap."""
        return self.frames if math.isnan(self.failed_at) else int(self.failed_at) - 1

    @property
    def key(self) -> tuple[str, int, str, int]:
        """Arm, seed, sequence and first frame."""
        return self.arm, self.seed, self.sequence, self.start


def read(file: Path) -> list[WindowRow]:
    """The rows of a file; none where there is no file.

    A truncated last line, as a program that was killed leaves it, is no row.

    Raises:
        EvaluationError: it is not such a table.
    """
    if not file.is_file():
        return []
    text = file.read_text()
    lines = list(csv.reader(text[: text.rfind("\n") + 1].splitlines()))
    if not lines:
        return []
    if lines[0] != list(COLUMNS):
        raise EvaluationError(f"{file} is not a table of windows: its columns are not {','.join(COLUMNS)}")
    rows = []
    for number, line in enumerate(lines[1:], 2):
        try:
            rows.append(_row(line))
        except (ValueError, TypeError) as error:
            raise EvaluationError(f"{file}, line {number}: {','.join(line)[:80]!r} is no row ({error})") from error
    return rows


def write(file: Path, rows: list[WindowRow]) -> None:
    """Writes a file of rows, in the order of arms, seeds, sequences and first frames, whole or not at all."""
    write_whole(file, summary.csv_text(WindowRow, sorted(rows, key=lambda row: row.key)))


def cells(row: WindowRow) -> list[object]:
    """A row as the file has it."""
    return ["" if value is None else value for value in map(summary.plain, vars(row).values())]


COLUMNS = tuple(each.name for each in fields(WindowRow))


def _row(line: list[str]) -> WindowRow:
    arm, seed, sequence, start, frames, *measures, program = line
    overlap, failed_at, accuracy, frame, initialization = (float(text) if text else math.nan for text in measures)
    return WindowRow(
        arm, int(seed), sequence, int(start), int(frames), overlap, failed_at, accuracy, frame, initialization, program
    )
