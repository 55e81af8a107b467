"""Attention and scores of attrax's trackers: computed when the page asks, one run at a time, kept while it is there."""

import subprocess
import tempfile
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attrax_vot.explore import again
from attrax_vot.explore.again import MapsStretch, NoMapsError, Wanted
from attrax_vot.explore.study import Playback, Study
from attrax_vot.run import processes

# Seconds without a question of the page after which a run is ended: the page is gone, or its tab
# sleeps.
PATIENCE = 90.0
# Runs whose pictures are kept; each has `again.SEEN` frames of about 0.4 MB at most.
KEPT = 20


@dataclass
class MapsJob:
    """The tracker at work on a stretch.

    Attributes:
        folder: with the frames and the pictures.
        wanted: the stretch.
        run: the results of the run that is repeated.
        boxes: of the frames up to now.
        state: running, ready, stopped, or failed.
        error: why it failed.
        asked: when the page last asked about it.
        process: of the tracker.
        inside: the share of the attention inside the box, by frame.
    """

    folder: Path
    wanted: MapsStretch
    run: Playback
    boxes: list[tuple[float, ...]] = field(default_factory=list)
    state: str = "running"
    error: str = ""
    asked: float = field(default_factory=time.monotonic)
    process: subprocess.Popen[str] | None = None
    inside: dict[int, float] = field(default_factory=dict)

    def begin(self, command: list[str], environment: dict[str, str]) -> None:
        """Starts the tracker, and the threads that read what it prints and end it when the page is gone."""
        # As the toolkit does, it starts the program in a folder of its own.
        with (self.folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.folder,
                env=environment,
                text=True,
            )
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> None:
        """Ends the tracker; without effect where it has ended."""
        if self.state == "running":
            self.state = "stopped"
        if self.process is not None and self.process.poll() is None:
            found = processes.find(self.process.pid)
            processes.end_all([found] if found else [])

    def report(self) -> dict[str, Any]:
        """What the page shows of the job."""
        done, whole = len(self.boxes), self.wanted.last - self.wanted.first + 1
        found: dict[str, Any] = {"state": self.state, "done": done, "frames": whole, "error": self.error}
        if self.state == "ready":
            found |= {
                "first": self.wanted.first,
                "seen": [self.wanted.seen, self.wanted.last],
                "differs": again.first_difference(self.run, self.wanted, self.boxes),
                "inside": [self.inside.get(frame) for frame in range(self.wanted.seen, self.wanted.last + 1)],
            }
        return found

    def _read(self) -> None:
        process = self.process
        if process is None or process.stdout is None:
            return
        with process:
            next(process.stdout, None)
            for number, line in enumerate(process.stdout, self.wanted.first):
                values = line.rstrip("\n").split(",")
                # A line that was cut short is the last one of a process that was ended.
                with suppress(ValueError):
                    box = tuple(map(float, values[:4]))
                    if len(values) > 7 and values[7]:
                        self.inside[number] = float(values[7])
                    self.boxes.append(box)
        if self.state == "running":
            whole = process.returncode == 0 and len(self.boxes) == self.wanted.last - self.wanted.first + 1
            self.error = "" if whole else _last_line(self.folder / "log", process.returncode)
            self.state = "ready" if whole else "failed"

    def _watch(self) -> None:
        while self.state == "running":
            if time.monotonic() - self.asked > PATIENCE:
                self.stop()
            time.sleep(0.5)


class Maps:
    """The jobs of a page. Its methods may be called from several threads."""

    def __init__(self, study: Study) -> None:
        """Computes maps of the runs of a workspace."""
        self._study = study
        self._jobs: OrderedDict[tuple[Any, ...], MapsJob] = OrderedDict()
        self._lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="attrax-explore-", ignore_cleanup_errors=True)
        self._count = 0

    def begin(self, wanted: Wanted) -> dict[str, Any]:
        """Starts what has the maps of a frame, in the place of what is being computed; nothing where they are there.

        Raises:
            NoMapsError: there are none.
        """
        if reason := again.reason(wanted.tracker):
            raise NoMapsError(reason)
        with self._lock:
            job = self._find(wanted)
            if job is None or job.state in ("failed", "stopped"):
                for each in self._jobs.values():
                    each.stop()
                job = self._start(wanted)
            job.asked = time.monotonic()
            return job.report()

    def state(self, wanted: Wanted) -> dict[str, Any]:
        """How far the maps of a frame are."""
        with self._lock:
            job = self._find(wanted)
            if job is None:
                return {"state": "none"}
            job.asked = time.monotonic()
            return job.report()

    def stop(self) -> None:
        """Ends what is being computed."""
        with self._lock:
            for each in self._jobs.values():
                each.stop()

    def picture(self, wanted: Wanted) -> bytes | None:
        """The picture of a frame as PNG; nothing where it is not there."""
        with self._lock:
            job = self._find(wanted)
            if job is None or job.state != "ready":
                return None
            with suppress(OSError):
                return (job.folder / "maps" / f"{wanted.frame:08d}.png").read_bytes()
        return None

    def close(self) -> None:
        """Ends what is being computed and removes all pictures."""
        self.stop()
        self._folder.cleanup()

    def _start(self, wanted: Wanted) -> MapsJob:
        run = self._study.playback(wanted.experiment, wanted.tracker, wanted.sequence, wanted.repetition)
        stretch = again.stretch(self._study, wanted, run)
        self._count += 1
        folder = Path(self._folder.name) / str(self._count)
        folder.mkdir()
        job = MapsJob(folder, stretch, run)
        try:
            job.begin(*again.command(wanted, stretch, folder))
        except OSError as error:
            raise NoMapsError(f"{wanted.tracker.label} cannot be started: {error}") from error
        name = (*self._key(wanted), self._count)
        self._jobs[name] = job
        while len(self._jobs) > KEPT:
            _, oldest = self._jobs.popitem(last=False)
            oldest.stop()
            again.clear(oldest.folder)
        return job

    def _key(self, wanted: Wanted) -> tuple[Any, ...]:
        """What a job is of; results that have changed are another run."""
        there = self._study.signature(wanted.experiment, wanted.tracker, wanted.sequence)
        return wanted.experiment, wanted.tracker.reference, wanted.sequence.name, wanted.repetition, there

    def _find(self, wanted: Wanted) -> MapsJob | None:
        """The newest job that has the frame; one that has ended well before others."""
        key = self._key(wanted)
        found = [
            job
            for name, job in self._jobs.items()
            if name[:-1] == key and job.wanted.seen <= wanted.frame <= job.wanted.last
        ]
        ready = [job for job in found if job.state == "ready"]
        return next(reversed(ready or found), None)


def _last_line(log: Path, status: int | None) -> str:
    """Why a tracker ended: the last line that it wrote."""
    with suppress(OSError):
        lines = log.read_text(errors="replace").strip().splitlines()
        if lines:
            return lines[-1]
    return f"attrax ended with status {status}"
