"""What a run will take, printed before it starts: frames, time, disk, and core hours, which is its cost."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

from vot.tracker import Tracker

from attrax_vot.run.jobs import Job
from attrax_vot.run.live import clock
from attrax_vot.run.opened import OpenWorkspace
from attrax_vot.run.verify import FRAMES, Speed, measure

# Bytes of a frame's region, seconds and confidence on disk.
BYTES_A_FRAME = 60
# DAT's authors had 58 failures in 60 sequences: a sequence costs about two initialisations.
INITIALIZATIONS = 2
# Runs of fewer frames are not worth measuring a tracker for.
SMALL = 2000
# Frames with known seconds that say more than a measurement would.
ENOUGH = 50


@dataclass(frozen=True)
class Estimate:
    """What a run will take.

    Attributes:
        frames: to be tracked.
        seconds: of wall-clock time.
        core_hours: of all cores in use together.
        result_bytes: that the results will take.
    """

    frames: int
    seconds: float
    core_hours: float
    result_bytes: int

    def lines(self, free: int) -> list[str]:
        """For the terminal; `free` is the room on the workspace's disk, in bytes."""
        return [
            f"to track: {self.frames} frames",
            f"time: about {clock(self.seconds)} (hours:minutes:seconds), {self.core_hours:.1f} core hours",
            f"disk: {self.result_bytes / 1e6:.1f} MB of results; {free / 1e9:.1f} GB are free",
        ]


def estimate(planned: list[Job], slots: int, speeds: dict[str, Speed]) -> Estimate:
    """Estimates a run.

    Args:
        planned: its jobs.
        slots: how many are done at a time.
        speeds: of each tracker, by its reference.
    """
    seconds = []
    for job in planned:
        speed = speeds[job.tracker]
        seconds.append(job.missing * (job.frames * speed.frame + INITIALIZATIONS * speed.initialization))
    frames = sum(job.work for job in planned)
    # No run is shorter than its longest job.
    wall = max(sum(seconds) / slots, max(seconds, default=0.0))
    cores = sum(job.threads * value for job, value in zip(planned, seconds, strict=True)) / 3600
    return Estimate(frames, wall, cores, frames * BYTES_A_FRAME)


def recorded(opened: OpenWorkspace, tracker: Tracker) -> Speed | None:
    """How fast a tracker was in the workspace's own results, or nothing where there are too few of them.

    Seconds alone are known of it, no overlap.
    """
    starts: list[float] = []
    frames: list[float] = []
    for experiment in opened.experiments:
        run = opened.run(experiment, tracker)
        for sequence in run.sequences:
            for repetition in run.repetitions(sequence):
                starts += repetition.init_seconds
                frames += repetition.frame_seconds
            if len(frames) >= ENOUGH and starts:
                return Speed(fmean(starts), fmean(frames), math.nan)
    return None


def tell(
    planned: list[Job], slots: int, trackers: list[Tracker], opened: OpenWorkspace, say: Callable[[str], None]
) -> None:
    """Says what a run will take, and what is done to find that out; nothing for a small run.

    A tracker that has results here is not measured again. One that does not even get through a few frames is not
    estimated; the run will report it.
    """
    if sum(job.work for job in planned) < SMALL:
        return
    wanted = {job.tracker for job in planned}
    speeds = {}
    for tracker in trackers:
        name = tracker.reference
        if name not in wanted:
            continue
        speed: Speed | str | None = recorded(opened, tracker)
        if speed is None:
            say(f"measuring {name}: an initialisation and {FRAMES - 1} frames; --no-estimate leaves this out")
            speed = measure(tracker, planned[0].threads)
        if not isinstance(speed, Speed):
            say(f"no estimate: {name} did not get through ten frames: {speed}")
            return
        speeds[name] = speed
    room = os.statvfs(opened.directory)
    for line in estimate(planned, min(slots, len(planned)), speeds).lines(room.f_bavail * room.f_frsize):
        say(line)
