"""The pieces that a parallel run is made of: one job is what is missing of one sequence by one tracker.

Jobs share nothing but the workspace's folder, so that they may run on other machines that see it. A job
notes its progress in a file there (`notes`), and holds a lock, so that no two work on the same sequence.
"""

import fcntl
import os
import socket
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from attrax_vot.analysis import results
from attrax_vot.analysis.runs import Run
from attrax_vot.run import notes, processes, runner, sentences
from attrax_vot.run.opened import OpenWorkspace
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.experiment import Experiment
    from vot.tracker import Tracker

# How often a job looks whether the program that started it is still there, in seconds.
OWNER_INTERVAL = 1.0
# The exit status of a job whose owner has gone.
ORPHANED = 75


@dataclass(frozen=True)
class Job:
    """What is missing of one sequence by one tracker in one experiment.

    Attributes:
        workspace: its folder, absolute.
        tracker: its reference.
        experiment: its identifier.
        sequence: its name.
        repetitions: how many there are to be.
        missing: how many of them are to be run.
        frames: of one of them, on average: in a multistart experiment they differ, and each object counts.
        threads: for the tracker's arithmetic.
        gpu: which one it sees, as CUDA_VISIBLE_DEVICES has it; none where this is empty, and all that the
            machine offers where it is None.
        owner: host and process without which it is not to go on; none for a cluster's.
        run: a name that its restarts keep and a later run does not have.
        folder: where it runs, the current one: its process starts in another (`engine`).
    """

    workspace: str
    tracker: str
    experiment: str
    sequence: str
    repetitions: int
    missing: int
    frames: int
    threads: int
    gpu: str | None = None
    owner: tuple[str, int] | None = None
    run: str = field(default_factory=lambda: uuid.uuid4().hex)
    folder: str = field(default_factory=os.getcwd)

    @property
    def key(self) -> tuple[str, str, str]:
        """What no two jobs of a run share."""
        return self.tracker, self.experiment, self.sequence

    @property
    def work(self) -> int:
        """How many frames it has to track."""
        return self.frames * self.missing

    def private(self, kind: str) -> Path:
        """A file of this job next to the toolkit's own ones."""
        return Path(self.workspace) / ".attrax" / kind / self.tracker / self.experiment / f"{self.sequence}.json"


@dataclass(frozen=True)
class Part:
    """Which of a workspace's work is to be done.

    Attributes:
        sequences: their names; all when there are none.
        experiments: their identifiers; all when there are none.
        repetitions: of a supervised experiment; the workspace's own number when there is none.
        threads: for each tracker.
    """

    sequences: list[str] | None = None
    experiments: list[str] | None = None
    repetitions: int | None = None
    threads: int = 1


def plan(
    opened: OpenWorkspace,
    trackers: list["Tracker"],
    part: Part,
    tell: Callable[[str], object] = results.tell,
    *,
    clear: bool = True,
) -> list[Job]:
    """The jobs that a run needs, those with the most frames first.

    Args:
        opened: the workspace.
        trackers: to be run.
        part: of the work.
        tell: called with a sentence for each result that was set aside.
        clear: whether incomplete results are set aside, for a run.

    Raises:
        EvaluationError: the workspace lacks a requested experiment or sequence.
    """
    known = [experiment.identifier for experiment in opened.experiments]
    unknown = sorted(set(part.experiments or []) - set(known))
    if unknown:
        raise EvaluationError(f"the workspace has no experiment {', '.join(unknown)}; it has {', '.join(known)}")
    chosen = [each for each in opened.experiments if not part.experiments or each.identifier in part.experiments]
    opened.check_names(part.sequences, chosen)
    jobs = []
    for tracker in trackers:
        for experiment in chosen:
            _set_repetitions(experiment, part.repetitions)
            run = opened.run(experiment, tracker)
            for sequence in run.sequences:
                if part.sequences and sequence.name not in part.sequences:
                    continue
                if clear:
                    results.clear(run, sequence, tell)
                wanted = results.planned(experiment, sequence)
                try:
                    missing = runner.pending(run, sequence)
                except (OSError, ValueError, RuntimeError) as error:
                    reference, name = tracker.reference, sequence.name
                    again = f"'attrax-vot run' sets it aside and runs {name} again"
                    raise EvaluationError(f"a result of {reference} on {name} is damaged ({error}); {again}") from error
                if missing:
                    frames = sum(sum(wanted[index - 1].values()) for index in missing)
                    jobs.append(
                        Job(
                            str(opened.directory.resolve()),
                            tracker.reference,
                            experiment.identifier,
                            sequence.name,
                            len(wanted),
                            len(missing),
                            round(frames / len(missing)),
                            part.threads,
                        )
                    )
    return sorted(jobs, key=lambda job: -job.work)


def thread_variables(threads: int) -> dict[str, str]:
    """What tells libtorch in a tracker's process how many threads to use."""
    return {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}


def work(job: Job) -> runner.Outcome:
    """Does a job; runs in a process of its own, perhaps on another machine.

    Returns:
        How it went; failures are reported, not raised.
    """
    # A node of a cluster need not have this folder.
    with suppress(OSError):
        os.chdir(job.folder)
    os.environ.update(thread_variables(job.threads))
    if job.gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = job.gpu
    else:
        # The engine hides them all.
        os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    _follow(job.owner)
    attempt = _Attempt(job)
    try:
        with processes.adopting(), _locked(job.private("locks")):
            return attempt.run()
    except Exception as error:
        return attempt.failed(error)


class _Attempt:
    """One try at a job, from the workspace's folder to its outcome."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._ready = False
        self._notes: list[str] = []
        self._where: tuple[Run, Sequence] | None = None

    def run(self) -> runner.Outcome:
        """Runs what is missing."""
        job = self._job
        opened = OpenWorkspace(Path(job.workspace))
        tracker = opened.tracker(job.tracker)
        experiment = opened.space.stack[job.experiment]
        _set_repetitions(experiment, job.repetitions)
        opened.check_names([job.sequence], [experiment])
        run = opened.run(experiment, tracker)
        sequence = next(each for each in run.sequences if each.name == job.sequence)
        self._where = run, sequence
        results.clear(run, sequence, self._notes.append)
        notebook = notes.Notebook(job, runner.pending(run, sequence))
        self._ready = True
        return replace(runner.run_sequence(run, sequence, notebook), notes=self._notes)

    def failed(self, error: Exception) -> runner.Outcome:
        """An exception as an outcome; an unexpected one leaves its trace in the log."""
        log = None
        with suppress(OSError):
            if self._where and not isinstance(error, sentences.EXPECTED):
                log = runner.keep_log(*self._where, "".join(traceback.format_exception(error)))
        text = sentences.sentence(error)
        return runner.Outcome(self._job.sequence, error=text, log=log, ready=self._ready, notes=self._notes)


def _set_repetitions(experiment: "Experiment", repetitions: int | None) -> None:
    """Sets how often a supervised experiment is run; the others keep their own number."""
    from vot.experiment.multirun import SupervisedExperiment

    if repetitions is not None and isinstance(experiment, SupervisedExperiment):
        experiment.repetitions = repetitions


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Waits until no other process has this file; the lock goes with the process, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _follow(owner: tuple[str, int] | None) -> None:
    """Ends this process soon after its owner has ended, however that came about.

    The tracker is ended first.
    """
    if owner is None or owner[0] != socket.gethostname():
        return

    def watch() -> None:
        program = processes.find(owner[1])
        while program and processes.alive(program):
            time.sleep(OWNER_INTERVAL)
        processes.end_all(processes.descendants())
        os._exit(ORPHANED)

    threading.Thread(target=watch, daemon=True).start()
