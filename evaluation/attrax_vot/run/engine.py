"""Where jobs run: processes of this machine or a Slurm cluster, through one interface, `submitit`."""

import math
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import submitit

from attrax_vot.errors import EvaluationError
from attrax_vot.run import jobs, runner
from attrax_vot.run.jobs import Job

# Where the packages are, in a clone and installed.
PACKAGES = Path(__file__).resolve().parents[2]
# A job of this machine may take as long as it takes: a year, in minutes.
FOREVER = 365 * 24 * 60


class WorkerDiedError(Exception):
    """A job's process ended without a word: killed, or with its node."""


class WorkerFailedError(Exception):
    """A job's process could not begin or end its work because of an exception; another try would fail as well.

    Attributes:
        log: all that the process wrote.
    """

    def __init__(self, reason: str, log: Path) -> None:
        """An exception's last line, and the file with all of it."""
        super().__init__(reason)
        self.log = log


class Running(Protocol):
    """A job that has been handed over."""

    def done(self) -> bool:
        """Whether it has ended, in whichever way."""

    def outcome(self) -> runner.Outcome:
        """How it went.

        Raises:
            WorkerDiedError: its process ended without a result.
            WorkerFailedError: an exception ended its process.
        """

    def cancel(self) -> None:
        """Ends it."""


class Engine(Protocol):
    """Something that jobs can be handed to."""

    slots: int

    def submit(self, wanted: dict[int, Job]) -> Iterator[tuple[int, Running]]:
        """Starts jobs, each in its slot; reports each as soon as it can be ended."""


class _Submitted:
    """A job in submitit's hands."""

    def __init__(self, job: submitit.Job) -> None:
        self._job = job

    def done(self) -> bool:
        return self._job.done()

    def outcome(self) -> runner.Outcome:
        if not self._job.paths.result_pickle.exists():
            raise WorkerDiedError(self._last_words())
        error = self._job.exception()
        if error is not None:
            raise WorkerFailedError(str(error).strip().splitlines()[-1], self._job.paths.stderr)
        return self._job.result()

    def cancel(self) -> None:
        self._job.cancel(check=False)

    def _last_words(self) -> str:
        try:
            lines = self._job.paths.stderr.read_text().strip().splitlines()
        except OSError:
            lines = []
        return lines[-1] if lines else "its process ended without a word"


class Local:
    """Processes of this machine, `slots` at a time."""

    def __init__(self, folder: Path, slots: int) -> None:
        """Keeps its files in `folder`."""
        self.slots = slots
        self._gpus = gpus()
        self._executor = submitit.AutoExecutor(_folder(folder), cluster="local")
        self._executor.update_parameters(timeout_min=FOREVER)

    def submit(self, wanted: dict[int, Job]) -> Iterator[tuple[int, Running]]:
        """Starts jobs one by one; its slot decides which GPU a job gets, in turn."""
        owner = (socket.gethostname(), os.getpid())
        for slot, job in wanted.items():
            gpu = self._gpus[slot % len(self._gpus)] if self._gpus else ""
            with _started_in(self._executor.folder), _apart_from_terminal(self._executor.folder):
                submitted = self._executor.submit(jobs.work, replace(job, gpu=gpu, owner=owner))
            yield slot, _Submitted(submitted)


@dataclass(frozen=True)
class SlurmOptions:
    """What is asked of a cluster for each job.

    Attributes:
        partition: the cluster's default when empty.
        gpus: for each job.
        cpus: for each job.
        minutes: after which Slurm ends a job; a requeued one goes on where it was.
        memory: such as `8G`; the cluster's default when empty.
    """

    partition: str = ""
    gpus: int = 0
    cpus: int = 2
    minutes: int = 24 * 60
    memory: str = ""


class _OnCluster(_Submitted):
    """A job on a Slurm cluster, which need not keep accounts: the queue tells whether it is still there."""

    def __init__(self, job: submitit.Job, queue: "_Queue") -> None:
        super().__init__(job)
        self._queue = queue
        self._since = time.monotonic()

    def done(self) -> bool:
        # The result may have been written since the queue was asked: the caller looks again.
        return self._job.paths.result_pickle.exists() or self._queue.lacks(self._job.job_id, self._since)


class _Queue:
    """The user's jobs on a cluster, asked for once for all of them: its controller serves others too."""

    def __init__(self) -> None:
        self._asked = -math.inf
        self._there: set[str] | None = None

    def lacks(self, job: str, since: float) -> bool:
        """Whether a job that was handed over at some time is no longer waiting or running."""
        if time.monotonic() - self._asked > QUEUE_INTERVAL:
            self._asked = time.monotonic()
            command = ["squeue", "--noheader", "--array", "--format", "%i %T", "--user", str(os.getuid())]
            said = subprocess.run(command, capture_output=True, text=True, check=False)
            rows = [line.split() for line in said.stdout.splitlines()]
            # A controller that does not answer may come back.
            self._there = None if said.returncode else {row[0] for row in rows if row[1] not in ENDED}
        return self._there is not None and since < self._asked and job not in self._there


# Seconds between two looks into a cluster's queue.
QUEUE_INTERVAL = 3.0
# The states in which a job of Slurm's is over.
ENDED = {"BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT"}


class Slurm:
    """A cluster: everything is queued as one job array, and Slurm decides."""

    # Slurm's own default for the largest array (MaxArraySize); where there are more jobs, they
    # follow.
    slots = 1_000

    def __init__(self, folder: Path, options: SlurmOptions) -> None:
        """Keeps its files in `folder`, which every node must see.

        Raises:
            EvaluationError: Slurm's commands are missing here.
        """
        if missing := [name for name in ("srun", "sbatch") if shutil.which(name) is None]:
            raise EvaluationError(f"--slurm: there is no {missing[0]} on PATH; run this on a machine of the cluster")
        self._executor = submitit.AutoExecutor(_folder(folder), cluster="slurm")
        self._queue = _Queue()
        parameters = {
            "timeout_min": options.minutes,
            "cpus_per_task": options.cpus,
            "slurm_job_name": "attrax-vot",
            # As many as the array has tasks: Slurm's own limits decide.
            "slurm_array_parallelism": self.slots,
            # After the death of a node Slurm itself starts the job again.
            "slurm_additional_parameters": {"requeue": True},
        }
        if options.partition:
            parameters["slurm_partition"] = options.partition
        if options.gpus:
            parameters["gpus_per_node"] = options.gpus
        if options.memory:
            parameters["slurm_mem"] = options.memory
        self._executor.update_parameters(**parameters)

    def submit(self, wanted: dict[int, Job]) -> Iterator[tuple[int, Running]]:
        """Queues jobs as one array."""
        gpu = os.environ.get("CUDA_VISIBLE_DEVICES")
        # Nothing is handed over before the end of the block.
        with _started_in(self._executor.folder), self._executor.batch():
            handed = {slot: self._executor.submit(jobs.work, replace(job, gpu=gpu)) for slot, job in wanted.items()}
        for slot, job in handed.items():
            yield slot, _OnCluster(job, self._queue)


def gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [each.strip() for each in chosen.split(",") if each.strip()]
    # CUDA counts from 0 what it sees; a container's nodes keep the host's numbers.
    return [str(index) for index, _ in enumerate(Path("/dev").glob("nvidia[0-9]*"))]


@contextmanager
def _started_in(folder: Path) -> Iterator[None]:
    """Lets processes start in an empty folder. submitit starts `python -m`, which imports from the current one first.

    `jobs.work` goes back to where it belongs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _apart_from_terminal(folder: Path) -> Iterator[None]:
    """Lets a process start whose standard error is a file.

    submitit's own process of a job has the terminal's otherwise, where it prints a traceback at Ctrl-C.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    try:
        with (folder / "processes.log").open("ab") as log:
            os.dup2(log.fileno(), 2)
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


def _folder(folder: Path) -> Path:
    """A folder for one run; jobs must find this package as we do."""
    paths = [str(PACKAGES), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(path for path in paths if path))
    return folder / uuid.uuid4().hex[:8]
