"""Running the arms of a comparison in a workspace: what is missing of them, the first seed of all arms first."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from attrax_vot.compare import arms
from attrax_vot.compare.arms import Arms, Base, Entry
from attrax_vot.run import evaluate, jobs, parallel, provenance, registration, runner, workspace
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from vot.workspace import Workspace


@dataclass(frozen=True)
class Request:
    """What is to be compared on what.

    Attributes:
        directory: of the workspace.
        dataset: a folder of sequences.
        sequences: names of the wanted ones; all when there are none.
        arms: names and flags.
        seeds: how many.
        base: the tracker that the arms are made of.
        experiments: of the workspace.
    """

    directory: Path
    dataset: Path
    sequences: list[str] | None
    arms: Arms
    seeds: int
    base: Base
    experiments: tuple[str, ...] = ("baseline",)


@dataclass(frozen=True)
class Plan:
    """What is to be run.

    Attributes:
        space: the workspace.
        threads: for each tracker.
        planned: the jobs that are known now.
        entries: the arms and seeds.
    """

    space: "Workspace"
    threads: int
    planned: list[jobs.Job]
    entries: list[Entry]

    def line(self) -> str:
        """For the terminal."""
        count = len({entry.arm for entry in self.entries})
        frames = sum(job.work for job in self.planned)
        return (
            f"{count} arms, {len(self.entries) // count} seeds, {len(self.space.dataset)} sequences: "
            f"{len(self.planned)} jobs of {frames} frames to run"
        )

    def with_jobs(self, planned: list[jobs.Job]) -> "Plan":
        """The same with more jobs. All arms with the first seed come first: half of a run can be compared too."""
        seeds = {entry.reference: entry.seed for entry in self.entries}
        every = sorted([*self.planned, *planned], key=lambda job: (seeds[job.tracker], -job.work))
        return replace(self, planned=every)


def prepare(request: Request, threads: int) -> Plan:
    """Makes the workspace and finds out what is to be run of the supervised experiment; results in it stay.

    Raises:
        EvaluationError: the request cannot be met.
    """
    settings = workspace.Settings(
        request.dataset,
        request.sequences,
        experiments=request.experiments,
        repetitions=1,
        registry=request.directory / "trackers.ini",
    )
    clips = workspace.require(workspace.read(request.directory, settings))
    if (request.directory / "config.yaml").is_file() and not arms.registered(request.directory):
        raise EvaluationError(f"{request.directory} is a workspace of another kind; give another folder")
    request.directory.mkdir(parents=True, exist_ok=True)
    entries = arms.register(request.directory, request.arms, request.seeds, request.base)
    workspace.prepare(request.directory, settings, clips)
    space = workspace.load(request.directory)
    trackers = [evaluate.find_tracker(space, entry.reference) for entry in entries]
    registration.check(trackers[0])
    part = jobs.Part(experiments=[evaluate.supervised(space).identifier], threads=threads)
    return Plan(space, threads, [], entries).with_jobs(jobs.plan(space, trackers, part))


def run(
    plan: Plan,
    engine: parallel.Engine,
    show: Callable[[list[parallel.Progress]], None],
    then: Callable[[jobs.Job], list[jobs.Job]] | None = None,
) -> list[runner.Outcome]:
    """Runs what is missing, and notes what each tracker was.

    Args:
        plan: what is missing.
        engine: what jobs are handed to.
        show: is told how they go.
        then: the jobs that follow one that has ended.

    Returns:
        How each job went; a tracker's failure is told, not raised.
    """
    for name in dict.fromkeys(job.tracker for job in plan.planned):
        provenance.note(Path(plan.space.directory), evaluate.find_tracker(plan.space, name))
    return parallel.run(plan.planned, engine, show, then)
