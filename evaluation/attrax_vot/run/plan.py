"""Simulates a run on a cluster before it is started: when it ends, what restarts cost, and how long machines idle.

Jobs are those of a real run. They start in its order, the longest first, each on the next free machine. A machine fails
at random; its job starts again there, and has lost the repetition at work, because those that have ended are kept.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

from vot.tracker import Tracker

from attrax_vot.run.estimate import INITIALIZATIONS
from attrax_vot.run.jobs import Job
from attrax_vot.run.live import clock
from attrax_vot.run.opened import OpenWorkspace
from attrax_vot.run.toolkit import EvaluationError

# Seconds of one repetition of a job.
Seconds = Callable[[Job], float]


@dataclass(frozen=True)
class Machines:
    """What a run is to be done on.

    Attributes:
        count: how many jobs are done at a time, one on each machine or GPU.
        mean_hours: between two failures of a machine; none never fails.
        restart: seconds from a failure until the job is at work again.
    """

    count: int
    mean_hours: float | None = None
    restart: float = 120.0


@dataclass(frozen=True)
class Simulated:
    """How a simulated run went.

    Attributes:
        seconds: until the last job ended.
        work: seconds of tracking, without what was lost, of all machines together.
        lost: seconds of work done again, and of waiting for restarts.
        restarts: how many jobs were started again.
        idle: share of the machines' time in which they had no job.
    """

    seconds: float
    work: float
    lost: float
    restarts: int
    idle: float

    def row(self, count: int) -> list[str]:
        """For a table."""
        share = self.lost / (self.work + self.lost) if self.work else 0.0
        cells = [clock(self.seconds), f"{(self.work + self.lost) / 3600:.1f}", str(self.restarts)]
        return [str(count), *cells, f"{100 * share:.1f} %", f"{100 * self.idle:.0f} %"]


HEAD = ["at a time", "time", "machine hours", "restarts", "lost", "idle"]


def stated(frame: float, start: float) -> Seconds:
    """A repetition's seconds from those of a frame and of an initialisation."""
    return lambda job: job.frames * frame + INITIALIZATIONS * start


def recorded(opened: OpenWorkspace, tracker: Tracker) -> Seconds:
    """A repetition's seconds as they were in a tracker's results of the workspace, with its initialisations.

    A sequence without results takes as long for a frame as the others on average.

    Raises:
        EvaluationError: there are none.
    """
    known: dict[tuple[str, str], float] = {}
    spent = frames = 0.0
    for experiment in opened.experiments:
        run = opened.run(experiment, tracker)
        for sequence in run.sequences:
            if found := run.repetitions(sequence):
                seconds = fmean(sum(each.init_seconds) + sum(each.frame_seconds) for each in found)
                known[experiment.identifier, sequence.name] = seconds
                spent, frames = spent + seconds, frames + len(sequence)
    if not known:
        raise EvaluationError(f"{tracker.reference} has no results in {opened.directory} that say how long it takes")
    return lambda job: known.get((job.experiment, job.sequence), job.frames * spent / frames)


def simulate(planned: list[Job], seconds: Seconds, machines: Machines, seed: int = 0) -> Simulated:
    """Runs the jobs on machines that fail at random.

    Args:
        planned: in the order in which they start.
        seconds: that a repetition of each takes.
        machines: to run them on.
        seed: of the failures.
    """
    draw = random.Random(seed)
    free = [0.0] * min(machines.count, max(1, len(planned)))
    work = lost = 0.0
    restarts = 0
    for job in planned:
        repetition = seconds(job)
        now = heapq.heappop(free)
        for _ in range(job.missing):
            while (until := _failure(draw, machines)) < repetition:
                restarts += 1
                lost += until + machines.restart
                now += until + machines.restart
            now += repetition
            work += repetition
        heapq.heappush(free, now)
    end = max(free)
    return Simulated(end, work, lost, restarts, 1 - (work + lost) / (end * machines.count) if end else 0.0)


def _failure(draw: random.Random, machines: Machines) -> float:
    """Seconds until a machine fails; failures have no memory, so each repetition may draw anew."""
    return draw.expovariate(1 / (3600 * machines.mean_hours)) if machines.mean_hours else float("inf")
