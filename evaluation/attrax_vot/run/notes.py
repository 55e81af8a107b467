"""What a job writes down of its progress, in a file next to the results, so that others can see it.

A restart goes on with what its predecessor has left: what it says of time and of losses is of all starts of a run.
"""

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from attrax_vot.files import write_whole
from attrax_vot.run import runner

if TYPE_CHECKING:
    from attrax_vot.run.jobs import Job

# Progress is noted at most this often, in seconds.
NOTE_INTERVAL = 0.5


@dataclass(frozen=True)
class Note:
    """How far a job is.

    Attributes:
        repetition: the one at work, from 1.
        frame: the last one that is done, from 0.
        failures: in all repetitions that were at work since the job's last start.
        tracked: frames that the tracker has answered in this job, without those that were lost.
        whole: those of them in repetitions that have ended.
        seconds: that the job was at work, in all its starts.
        begun: at which of those seconds the repetition at work began.
        lost: seconds of repetitions that a restart began anew.
        starts: of the job.
        run: that it belongs to.
    """

    repetition: int = 0
    frame: int = 0
    failures: int = 0
    tracked: int = 0
    whole: int = 0
    seconds: float = 0.0
    begun: float = 0.0
    lost: float = 0.0
    starts: int = 1
    run: str = ""


def read_note(job: "Job") -> Note:
    """How far a job says that it is."""
    try:
        return Note(**json.loads(job.private("status").read_text()))
    except (OSError, ValueError, TypeError):
        return Note()


class Notebook:
    """Notes a job's steps in its file, now and then."""

    def __init__(self, job: "Job", missing: list[int]) -> None:
        """Begins with what an earlier start of the same run has left; another run's note does not count.

        Args:
            job: that starts.
            missing: indices of the repetitions that it has to run.
        """
        self._path = job.private("status")
        self._note = _again(job, missing)
        self._started = time.monotonic() - self._note.seconds
        self._failures, self._last = 0, runner.Step(0, 0, 0)
        self._noted = 0.0
        self._write()

    def __call__(self, step: runner.Step) -> None:
        """Takes a step down."""
        note = self._note
        if step.repetition != note.repetition:
            self._failures += self._last.failures
            note = replace(note, whole=note.tracked, begun=note.seconds)
        self._last = step
        now = time.monotonic()
        self._note = replace(
            note,
            repetition=step.repetition,
            frame=step.frame,
            failures=self._failures + step.failures,
            tracked=note.tracked + 1,
            seconds=now - self._started,
        )
        if now - self._noted >= NOTE_INTERVAL:
            self._noted = now
            self._write()

    def _write(self) -> None:
        # Progress is worth less than the run: on a full disk there is just none.
        with suppress(OSError):
            write_whole(self._path, json.dumps(asdict(self._note)))


def _again(job: "Job", missing: list[int]) -> Note:
    """What a start of a job begins with."""
    note = read_note(job)
    # Of a start that was over before it noted anything Slurm alone knows.
    starts = 1 + int(os.environ.get("SLURM_RESTART_COUNT", "0"))
    if note.run != job.run:
        return Note(run=job.run, starts=starts)
    if not missing:
        # Its node died after the last repetition had ended.
        return note
    note = replace(note, failures=0, starts=max(starts, note.starts + 1))
    if note.repetition in missing:
        lost = note.lost + note.seconds - note.begun
        note = replace(note, tracked=note.whole, lost=lost)
    return replace(note, repetition=0, whole=note.tracked, begun=note.seconds)
