"""A live table of a parallel run: on a terminal it stays in place, elsewhere each job that ends is a line."""

import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import TextIO

from attrax_vot.run.jobs import Job
from attrax_vot.run.notes import Note
from attrax_vot.run.parallel import NOT_STARTED, Progress
from attrax_vot.run.runner import Outcome

# A table longer than the terminal would scroll: what waits and what is done are summed up.
HEAD = ["tracker", "sequence", "repetition", "frame", "failures", "frames/s", "left"]
WIDTHS = [14, 16, 10, 11, 8, 8, 8]


class Table:
    """Shows the state of all jobs again and again."""

    def __init__(self, out: TextIO | None = None) -> None:
        """Writes to `out`, or to standard error."""
        self._out = out or sys.stderr
        self._live = self._out.isatty()
        self._lines = 0
        self._told: set[tuple[str, str, str]] = set()
        self._started = time.time()
        self._notes: list[Note] = []
        # Each tracker's errors, and the job that was the first to have each.
        self._errors: dict[tuple[str, str], str] = {}

    def __call__(self, everything: list[Progress]) -> None:
        """Shows the state."""
        self._notes = [each.note for each in everything]
        ended = [each for each in everything if each.outcome and each.job.key not in self._told]
        self._clear()
        self._told |= {each.job.key for each in ended}
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

    def _endings(self, ended: list[Progress]) -> Iterator[str]:
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
            # Up so many lines, and away with what is below.
            self._out.write(f"\033[{self._lines}F\033[J")
            self._lines = 0

    def _table(self, everything: list[Progress]) -> list[str]:
        running = [each for each in everything if each.state == "running"]
        room = max(3, shutil.get_terminal_size().lines - 4)
        lines = [_row(HEAD), *(_row(cells(each)) for each in running[:room])]
        states = {state: sum(each.state == state for each in everything) for state in ("done", "failed", "waiting")}
        left = remaining(everything, time.time() - self._started)
        summed = ", ".join(f"{count} {state}" for state, count in states.items() if count)
        return [*lines, f"{len(running)} running, {summed or 'none waiting'}; left: {clock(left)}"]


def cells(progress: Progress) -> list[str]:
    """A running job's row."""
    job, note = progress.job, progress.note
    speed = note.tracked / note.seconds if note.seconds > 0 else 0.0
    first = job.repetitions - job.missing + 1
    ahead = job.work - max(0, note.repetition - first) * job.frames - note.frame - 1
    left = clock(ahead / speed) if speed else "-"
    repetition = f"{note.repetition or first}/{job.repetitions}"
    frame = f"{note.frame + 1 if note.tracked else 0}/{job.frames}"
    return [job.tracker, job.sequence, repetition, frame, str(note.failures), f"{speed:.2f}", left]


def remaining(everything: list[Progress], elapsed: float) -> float | None:
    """Seconds until all is done, by what has been tracked so far; unknown at the start."""
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


def _row(row: list[str]) -> str:
    return " ".join(
        cell[:width].rjust(width) if column > 1 else cell[:width].ljust(width)
        for column, (cell, width) in enumerate(zip(row, WIDTHS, strict=True))
    )


def _repetitions(outcome: Outcome, job: Job) -> str:
    """How many repetitions were run now, and why no more."""
    text = f"{len(outcome.ran)} of {job.repetitions} repetitions run"
    return f"{text}: they are the same, so the toolkit asks for no more" if outcome.enough else text
