"""A live table of a parallel run: on a terminal it stays in place, elsewhere each job that ends is a line."""

import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import TextIO

from attrax_vot.run.jobs import Job
from attrax_vot.run.notes import Note
from attrax_vot.run.parallel import NOT_STARTED, JobState
from attrax_vot.run.runner import Outcome

# Columns: title, width, and how early one is left out where the terminal is narrow; 0 stays.
COLUMNS = [
    ("tracker", 24, 0),
    ("sequence", 24, 0),
    ("repetition", 10, 2),
    ("frame", 11, 0),
    ("failures", 8, 3),
    ("frames/s", 8, 1),
    ("left", 8, 4),
]
# Letters of a name at least, before a column is left out.
NAMES, SHORTEST = 2, 10


class LiveTable:
    """Shows the state of all jobs again and again."""

    def __init__(self, out: TextIO | None = None) -> None:
        """Writes to `out`, or to standard error."""
        self._out = out or sys.stderr
        self._live = self._out.isatty()
        self._lines = 0
        self._printed: set[tuple[str, str, str]] = set()
        self._started = time.time()
        self._notes: list[Note] = []
        # Each tracker's errors, and the job that was the first to have each.
        self._errors: dict[tuple[str, str], str] = {}

    def __call__(self, everything: list[JobState]) -> None:
        """Shows the state."""
        self._notes = [each.note for each in everything]
        ended = [each for each in everything if each.outcome and each.job.key not in self._printed]
        self._clear()
        self._printed |= {each.job.key for each in ended}
        for line in self._endings(ended):
            print(line, file=self._out)
        if self._live:
            lines = self._table(everything)
            print("\n".join(lines), file=self._out, flush=True)
            self._lines = len(lines)

    def restarts(self) -> str:
        """How often jobs were started again, and which share of their time that has cost; empty where none was."""
        again = sum(note.starts - 1 for note in self._notes)
        lost, spent = sum(note.lost for note in self._notes), sum(note.seconds for note in self._notes)
        times = "once" if again == 1 else f"{again} times"
        share = 100 * lost / spent if spent else 0.0
        return f"jobs were started again {times}: {share:.1f} % of the time at work was lost" if again else ""

    def _endings(self, ended: list[JobState]) -> Iterator[str]:
        """A line for each job that has ended; an error is shown once, and jobs that were not started are counted."""
        left_out = Counter(each.job.tracker for each in ended if each.outcome and each.outcome.error == NOT_STARTED)
        for each in ended:
            outcome, job = each.outcome or Outcome(each.job.sequence), each.job
            name = f"{job.tracker} {job.experiment} {job.sequence}"
            yield from outcome.notes
            if outcome.error == NOT_STARTED:
                continue
            if not outcome.error:
                yield f"{name}: {_repetitions(outcome, job)}, {clock(each.note.seconds)}"
                continue
            first = self._errors.setdefault((job.tracker, outcome.error), name)
            text = outcome.error if first == name else f"the same error as {first}"
            yield f"{name}: {text}" + (f"\n  log: {outcome.log}" if outcome.log else "")
        for tracker, jobs in left_out.items():
            yield f"{tracker}: {jobs} more job{'s' * (jobs > 1)} not started, which would fail as those above"

    def _clear(self) -> None:
        if self._lines:
            # Up to the first line, and away with what is below.
            self._out.write(f"\033[{self._lines}F\033[J")
            self._lines = 0

    def _table(self, everything: list[JobState]) -> list[str]:
        """As many lines and columns as the terminal shows: one that wraps could not be cleared again."""
        running = [each for each in everything if each.state == "running"]
        size = _size(self._out)
        # One line stays free for the cursor.
        room = max(1, size.lines - 3)
        widths = layout(size.columns - 1)
        rows = [[title for title, *_ in COLUMNS], *(cells(each) for each in running[:room])]
        lines = [_row(row, widths)[: size.columns - 1] for row in rows]
        states = {state: sum(each.state == state for each in everything) for state in ("done", "failed", "waiting")}
        left = remaining(everything, time.time() - self._started)
        summed = ", ".join(f"{count} {state}" for state, count in states.items() if count)
        last = f"{len(running)} running, {summed or 'none waiting'}; left: {clock(left)}"
        return [*lines, last[: size.columns - 1]][-(size.lines - 1) :]


def cells(progress: JobState) -> list[str]:
    """A running job's row."""
    job, note = progress.job, progress.note
    speed = note.tracked / note.seconds if note.seconds > 0 else 0.0
    first = job.repetitions - job.missing + 1
    ahead = job.work - max(0, note.repetition - first) * job.frames - note.frame - 1
    left = clock(ahead / speed) if speed else "-"
    repetition = f"{note.repetition or first}/{job.repetitions}"
    frame = f"{note.frame + 1 if note.tracked else 0}/{job.frames}"
    return [job.tracker, job.sequence, repetition, frame, str(note.failures), f"{speed:.2f}", left]


def remaining(everything: list[JobState], elapsed: float) -> float | None:
    """Seconds until all is done, by the frames tracked in `elapsed` seconds; unknown at the start."""
    tracked = sum(each.job.work if each.outcome else each.note.tracked for each in everything)
    ahead = sum(each.job.work for each in everything) - tracked
    return max(0.0, ahead * elapsed / tracked) if tracked else None


def clock(seconds: float | None) -> str:
    """Seconds as hours, minutes and seconds."""
    if seconds is None:
        return "-"
    whole = round(seconds)
    return (
        f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
        if whole >= 3600
        else f"{whole // 60}:{whole % 60:02d}"
    )


def layout(columns: int) -> list[int]:
    """The widths of the columns, 0 for a hidden column, so that a row fits; names get the remaining width."""
    widths = [width if index >= NAMES else SHORTEST for index, (_, width, _) in enumerate(COLUMNS)]

    def spare() -> int:
        return columns - sum(widths) - sum(map(bool, widths)) + 1

    for _, index in sorted((order, index) for index, (_, _, order) in enumerate(COLUMNS) if order):
        if spare() < 0:
            widths[index] = 0
    for name in range(NAMES):
        widths[name] += max(0, min(COLUMNS[name][1] - SHORTEST, spare() // (NAMES - name)))
    return widths


def _size(out: TextIO) -> os.terminal_size:
    """The size of the terminal that is written to."""
    try:
        size = os.get_terminal_size(out.fileno())
    except (OSError, ValueError):
        return shutil.get_terminal_size()
    # A terminal that does not know its size says 0.
    return size if min(size) > 0 else shutil.get_terminal_size()


def _row(row: list[str], widths: list[int]) -> str:
    """Cells in their columns; names to the left, and their ends are cut off where they are too long."""
    return " ".join(
        cell[:width].rjust(width) if column >= NAMES else cell[:width].ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        if width
    )


def _repetitions(outcome: Outcome, job: Job) -> str:
    """How many repetitions were run now, and why no more."""
    text = f"{len(outcome.ran)} of {job.repetitions} repetitions run"
    return f"{text}: they are the same, so the toolkit asks for no more" if outcome.enough else text
