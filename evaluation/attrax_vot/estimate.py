"""What a run will take, told before it starts: frames, time, disk, and core hours, which is its cost."""

import os
from dataclasses import dataclass
from pathlib import Path

from vot.tracker import Tracker

from attrax_vot.jobs import Job
from attrax_vot.live import clock
from attrax_vot.verify import Speed, measure

# Bytes of a frame's region, seconds and confidence on disk.
BYTES_A_FRAME = 60
# DAT's authors had 58 failures in 60 sequences: a sequence costs about two initialisations.
INITIALIZATIONS = 2
# Runs of fewer frames are not worth measuring a tracker for.
SMALL = 2000


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


def tell(planned: list[Job], slots: int, trackers: list[Tracker], directory: Path) -> list[str]:
    """Measures each tracker on a few frames and says what the run will take; nothing for a small run.

    A tracker that does not even get through those is not estimated; the run will tell of it.
    """
    if sum(job.work for job in planned) < SMALL:
        return []
    wanted = {job.tracker for job in planned}
    speeds = {}
    for tracker in trackers:
        if tracker.reference in wanted:
            speed = measure(tracker, planned[0].threads)
            if not isinstance(speed, Speed):
                return [f"no estimate: {tracker.reference} did not get through ten frames: {speed}"]
            speeds[tracker.reference] = speed
    room = os.statvfs(directory)
    return estimate(planned, min(slots, len(planned)), speeds).lines(room.f_bavail * room.f_frsize)
