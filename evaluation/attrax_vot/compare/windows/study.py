"""Runs of all arms in all windows: what is missing is run, and each run is kept as soon as it has ended."""

import csv
import hashlib
import json
import os
import shlex
import shutil
import sys
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from attrax_vot.compare.arms import Arms, Base
from attrax_vot.compare.windows import plan, table
from attrax_vot.compare.windows.drive import run
from attrax_vot.compare.windows.plan import Task
from attrax_vot.compare.windows.table import WindowRow
from attrax_vot.files import write_whole
from attrax_vot.program import remedy
from attrax_vot.run.jobs import thread_variables
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from _csv import Writer

    from vot.dataset import Sequence

SETTINGS = "windows.json"
# Number of failed runs after which no other is started.
MOST_FAILURES = 3


@dataclass(frozen=True)
class WindowsRequest:
    """What is compared on what.

    Attributes:
        directory: of the results.
        datasets: folders of sequences.
        sequences: names of the wanted ones; all when there are none.
        arms: names and flags.
        seeds: number of seeds, from 1 on.
        base: the tracker that the flags are added to.
        starts: number of frames from one start to the next.
        length: number of frames after a start.
    """

    directory: Path
    datasets: list[Path]
    sequences: list[str] | None
    arms: Arms
    seeds: int
    base: Base
    starts: int
    length: int


@dataclass(frozen=True)
class WindowsPlan:
    """What is to be run.

    Attributes:
        request: what was asked for.
        sequences: by name.
        missing: runs without a result.
        program: first digits of the SHA-256 of the tracker's program.
    """

    request: WindowsRequest
    sequences: dict[str, "Sequence"]
    missing: list[Task]
    program: str

    def line(self) -> str:
        """For the terminal."""
        frames = sum(task.window.frames for task in self.missing)
        return (
            f"{len(self.request.arms)} arms, {self.request.seeds} seeds, {len(self.sequences)} sequences: "
            f"{len(self.missing)} windows of {frames} frames to run"
        )


@dataclass(frozen=True)
class WindowsSettings:
    """What the results in a folder depend on.

    Attributes:
        length: number of frames after a start.
        commands: of each arm, without its seed.
    """

    length: int
    commands: dict[str, str]


def prepare(request: WindowsRequest) -> WindowsPlan:
    """Finds out what is missing, and notes the arms' commands in the folder.

    Raises:
        EvaluationError: the request cannot be met, or the folder has results of other commands or lengths.
    """
    clips = plan.find(request.datasets, request.sequences)
    every = [window for clip in clips for window in plan.windows(clip, request.starts, request.length)]
    if not every:
        raise EvaluationError(
            f"no sequence has a frame that {max(1, request.length // 2)} others follow; give a smaller --length"
        )
    program = _program(request.base)
    ended = {row.key for row in read(request.directory)}
    _note(request, {name for name, *_ in ended})
    missing = [task for task in plan.tasks(request.arms, request.seeds, every) if task.key not in ended]
    sequences = {clip.name: plan.load(clip, request.directory) for clip in clips}
    return WindowsPlan(request, sequences, missing, program)


def start(planned: WindowsPlan, jobs: int, threads: int) -> list[str]:
    """Runs what is missing.

    Args:
        planned: what is missing.
        jobs: runs at a time.
        threads: of each tracker.

    Returns:
        A sentence for each run that failed.
    """
    os.environ.update(thread_variables(threads))
    errors: list[str] = []
    waiting, running = iter(planned.missing), set[Future[WindowRow]]()
    pool = ThreadPoolExecutor(jobs)
    bar = tqdm(total=len(planned.missing), unit="window", disable=None, file=sys.stderr, smoothing=0.1)
    file = planned.request.directory / table.NAME
    # A line that the end of an earlier program cut off would spoil the next one.
    table.write(file, read(planned.request.directory))
    try:
        with file.open("a", newline="") as out, bar:
            writer = csv.writer(out, lineterminator="\n")
            for task in waiting:
                running.add(pool.submit(_run, planned, task))
                if len(running) < jobs:
                    continue
                running = _keep(running, writer, errors, bar)
                out.flush()
                if len(errors) >= MOST_FAILURES:
                    break
            while running:
                running = _keep(running, writer, errors, bar)
                out.flush()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    table.write(file, read(planned.request.directory))
    return errors


def read(directory: Path) -> list[WindowRow]:
    """The results in a folder; none where there are none.

    Raises:
        EvaluationError: their file is not such a table.
    """
    return table.read(directory / table.NAME)


def settings(directory: Path) -> WindowsSettings:
    """What the results in a folder depend on.

    Raises:
        EvaluationError: there is no such note, or it is damaged.
    """
    file = directory / SETTINGS
    try:
        found = json.loads(file.read_text())
        return WindowsSettings(int(found["length"]), {str(name): str(line) for name, line in found["arms"].items()})
    except FileNotFoundError:
        raise EvaluationError(f"{directory} holds no comparison of windows: there is no {SETTINGS} in it") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvaluationError(
            f"{file} cannot be read ({error}); delete the folder and run the comparison again"
        ) from error


def _run(planned: WindowsPlan, task: Task) -> WindowRow:
    flags = [*planned.request.arms[task.arm], "--seed", str(task.seed)]
    command = [*shlex.split(planned.request.base.name), *flags]
    return run(task, planned.sequences[task.window.sequence], command, planned.program)


def _keep(running: set[Future[WindowRow]], writer: "Writer", errors: list[str], bar: tqdm) -> set[Future[WindowRow]]:
    """Waits for a run and keeps its row.

    Returns:
        The runs that have not ended.
    """
    done, rest = wait(running, return_when=FIRST_COMPLETED)
    for each in done:
        try:
            row = each.result()
        except EvaluationError as error:
            errors.append(str(error))
            tqdm.write(str(error), file=sys.stderr)
            continue
        writer.writerow(table.cells(row))
        bar.update()
    return rest


def _note(request: WindowsRequest, ended: set[str]) -> None:
    """Writes the arms' commands into the folder.

    Raises:
        EvaluationError: results in it depend on other ones.
    """
    commands = {name: f"{request.base.name} {shlex.join(flags)}".strip() for name, flags in request.arms.items()}
    known = settings(request.directory) if ended else WindowsSettings(request.length, {})
    if known.length != request.length:
        raise EvaluationError(
            f"{request.directory} has windows of {known.length} frames; give --length {known.length} or another folder"
        )
    for name, line in commands.items():
        if name in ended and known.commands.get(name) != line:
            raise EvaluationError(
                f"{request.directory} has results of {name} by another command ({known.commands.get(name)}); "
                "give the arm another name"
            )
    # Earlier arms stay, after these.
    kept = {name: line for name, line in known.commands.items() if name in ended and name not in commands}
    content = {"length": request.length, "arms": {**commands, **kept}}
    write_whole(request.directory / SETTINGS, json.dumps(content, indent=2) + "\n")


def _program(base: Base) -> str:
    """First digits of the checksum of the program that the command starts.

    Raises:
        EvaluationError: there is no such program.
    """
    name = shlex.split(base.name)[0]
    path = shutil.which(name)
    if path is None:
        raise EvaluationError(f"the arms are started with '{name}', which is not on PATH; {remedy()}")
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
