"""Running the arms of a comparison in a workspace: what is missing of them, the first seed of all arms first."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from attrax_vot.compare import arms
from attrax_vot.compare.arms import Arms, Base, SeededArm
from attrax_vot.run import jobs, parallel, provenance, registration, runner, workspace
from attrax_vot.run.opened import OpenWorkspace
from attrax_vot.run.toolkit import EvaluationError


@dataclass(frozen=True)
class ArmsRequest:
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
class ArmsPlan:
    """What is to be run.

    Attributes:
        opened: the workspace.
        threads: for each tracker.
        planned: the known jobs.
        entries: the arms and seeds.
    """

    opened: OpenWorkspace
    threads: int
    planned: list[jobs.Job]
    entries: list[SeededArm]

    def line(self) -> str:
        """For the terminal."""
        count = len({entry.arm for entry in self.entries})
        frames = sum(job.work for job in self.planned)
        return (
            f"{count} arms, {len(self.entries) // count} seeds, {len(self.opened.space.dataset)} sequences: "
            f"{len(self.planned)} jobs of {frames} frames to run"
        )

    def with_jobs(self, planned: list[jobs.Job]) -> "ArmsPlan":
        """The same with more jobs. All arms with the first seed come first: half of a run can be compared too."""
        seeds = {entry.reference: entry.seed for entry in self.entries}
        every = sorted([*self.planned, *planned], key=lambda job: (seeds[job.tracker], -job.work))
        return replace(self, planned=every)


def prepare(request: ArmsRequest, threads: int) -> ArmsPlan:
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
    opened = OpenWorkspace(request.directory)
    trackers = [opened.tracker(entry.reference) for entry in entries]
    registration.check(trackers[0])
    part = jobs.Part(experiments=[opened.needed().identifier], threads=threads)
    return ArmsPlan(opened, threads, [], entries).with_jobs(jobs.plan(opened, trackers, part))


def run(
    plan: ArmsPlan,
    engine: parallel.Engine,
    show: Callable[[list[parallel.JobState]], None],
    then: Callable[[jobs.Job], list[jobs.Job]] | None = None,
) -> list[runner.Outcome]:
    """Runs what is missing, and notes what each tracker was.

    Args:
        plan: what is missing.
        engine: what jobs are handed to.
        show: called again and again with their states.
        then: the jobs that follow one that has ended.

    Returns:
        How each job went; a tracker's failure is reported, not raised.
    """
    for name in dict.fromkeys(job.tracker for job in plan.planned):
        provenance.note(plan.opened.directory, plan.opened.tracker(name))
    outcomes = parallel.run(plan.planned, engine, show, then)
    plan.opened.forget()
    return outcomes
