"""What a job notes of its progress, over its restarts."""

from pathlib import Path

import pytest

from attrax_vot.run import notes
from attrax_vot.run.jobs import Job
from attrax_vot.run.notes import Note, Notebook, read_note
from attrax_vot.run.runner import Step


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which the tests set."""
    now = [100.0]
    monkeypatch.setattr(notes.time, "monotonic", lambda: now[0])
    monkeypatch.delenv("SLURM_RESTART_COUNT", raising=False)
    return now


def track(notebook: Notebook, clock: list[float], repetition: int, frames: int) -> None:
    """A second for each frame."""
    for frame in range(frames):
        clock[0] += 1
        notebook(Step(repetition, frame, 0))


def test_a_restart_loses_the_repetition_at_work(tmp_path: Path, clock: list[float]):
    job = Job(str(tmp_path), "T", "baseline", "girl", 3, 3, 10, 1)
    first = Notebook(job, [1, 2, 3])
    track(first, clock, 1, 10)
    track(first, clock, 2, 4)
    assert read_note(job) == Note(2, 3, 0, tracked=14, whole=10, seconds=14, begun=10, run=job.run)
    # Its node dies; the time until it is at work again counts for no job.
    clock[0] += 50
    second = Notebook(job, [2, 3])
    assert read_note(job) == Note(0, 3, 0, tracked=10, whole=10, seconds=14, begun=14, lost=4, starts=2, run=job.run)
    track(second, clock, 2, 10)
    # It dies again, between two repetitions: nothing is lost.
    third = Notebook(job, [3])
    track(third, clock, 3, 10)
    note = read_note(job)
    assert (note.tracked, note.seconds, note.lost, note.starts) == (30, 34, 4, 3)
    # Once more, after its end: that was no restart.
    Notebook(job, [])
    assert read_note(job) == note


def test_another_run_begins_anew(tmp_path: Path, clock: list[float], monkeypatch: pytest.MonkeyPatch):
    job = Job(str(tmp_path), "T", "baseline", "girl", 3, 3, 10, 1)
    track(Notebook(job, [1, 2, 3]), clock, 1, 4)
    later = Job(str(tmp_path), "T", "baseline", "girl", 3, 3, 10, 1)
    Notebook(later, [1, 2, 3])
    assert read_note(later) == Note(run=later.run)
    # Slurm started it twice before it came to note anything.
    monkeypatch.setenv("SLURM_RESTART_COUNT", "2")
    last = Job(str(tmp_path), "T", "baseline", "girl", 3, 3, 10, 1)
    Notebook(last, [1, 2, 3])
    assert read_note(last) == Note(starts=3, run=last.run)
