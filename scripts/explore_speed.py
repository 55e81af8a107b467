"""A large workspace, and how long its page takes; scripts/explore-speed runs this."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import chromium
import numpy as np
from chromium import Chromium
from PIL import Image
from vot.dataset import Sequence
from vot.region import Rectangle, Special
from vot.tracker import Trajectory

from attrax_vot.run import workspace
from attrax_vot.run.opened import OpenWorkspace

SEQUENCES, FRAMES, TRACKERS, REPETITIONS = (
    int(os.environ.get(name, default))
    for name, default in (("SEQUENCES", 60), ("FRAMES", 1500), ("TRACKERS", 6), ("REPETITIONS", 1))
)
WIDTH, HEIGHT = 640, 360
# A tracker is put back five frames after a failure, as the toolkit does.
SKIP = 5


def make(root: Path) -> Path:
    """Makes the workspace, unless it is there."""
    space = root / f"space-{SEQUENCES}-{FRAMES}-{TRACKERS}-{REPETITIONS}"
    if (space / "done").exists():
        return space
    shutil.rmtree(root, ignore_errors=True)
    data = root / "data"
    data.mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    Image.fromarray(noise).resize((WIDTH, HEIGHT)).save(data / "frame.jpg", quality=80)
    draw = random.Random(0)
    for number in range(SEQUENCES):
        folder = data / f"sequence{number:02d}"
        (folder / "color").mkdir(parents=True)
        # All frames are one file, of which a file system allows some ten thousand names.
        first = shutil.copy(data / "frame.jpg", folder / "color" / f"{1:08d}.jpg")
        for frame in range(2, FRAMES + 1):
            os.link(first, folder / "color" / f"{frame:08d}.jpg")
        x, y, lines = 200.0, 150.0, []
        for _ in range(FRAMES):
            x = min(max(x + draw.uniform(-3, 3), 0), WIDTH - 80)
            y = min(max(y + draw.uniform(-3, 3), 0), HEIGHT - 60)
            lines.append(f"{x:.2f},{y:.2f},80,60\n")
        (folder / "groundtruth.txt").write_text("".join(lines))
        hidden = draw.randrange(FRAMES // 2)
        tags = ("1\n" if hidden <= frame < hidden + FRAMES // 5 else "0\n" for frame in range(FRAMES))
        (folder / "occlusion.tag").write_text("".join(tags))
    names = [f"Tracker{number}" for number in range(TRACKERS)]
    registered = "".join(f"[{name}]\nprotocol = trax\ncommand = {sys.executable} none.py\n" for name in names)
    (root / "trackers.ini").write_text(registered)
    settings = workspace.Settings(data, repetitions=REPETITIONS, registry=root / "trackers.ini")
    workspace.prepare(space, settings)
    opened = OpenWorkspace(space)
    for experiment in opened.space.stack:
        for sequence in opened.sequences(experiment):
            for tracker in opened.space.registry:
                for repetition in range(1, REPETITIONS + 1):
                    name = f"{sequence.name}_{repetition:03d}"
                    track(sequence, draw).write(experiment.results(tracker, sequence), name)
    (space / "done").touch()
    return space


def track(sequence: Sequence, draw: random.Random) -> Trajectory:
    """Made-up results: the boxes stray more and more, and there are failures."""
    trajectory = Trajectory(len(sequence))
    start, rate = 0, draw.uniform(0.02, 0.2)
    loses = {frame for frame in range(30, len(sequence)) if draw.random() < 0.003}
    for frame, truth in enumerate(sequence.groundtruth()):
        about = {"time": round(draw.uniform(0.01, 0.02), 6)}
        if frame == start:
            trajectory.set(frame, Special(Trajectory.INITIALIZATION), about)
        elif frame < start:
            trajectory.set(frame, Special(Trajectory.UNKNOWN), {})
        elif frame in loses and frame > start:
            trajectory.set(frame, Special(Trajectory.FAILURE), about)
            start = frame + SKIP
        else:
            away = min(rate * (frame - start), 30)
            region = Rectangle(truth.x + away * draw.uniform(0.8, 1), truth.y + away * draw.random(), 80, 60)
            trajectory.set(frame, region, {**about, "confidence": round(draw.random(), 4)})
    return trajectory


def processor(pid: int) -> float:
    """Seconds of processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(space: Path, program: str) -> None:
    """Prints the seconds until the address is printed, the table is there, all is scored, and a player is open."""
    begun, used = time.monotonic(), 0.0

    def took(what: str) -> None:
        nonlocal begun, used
        now, all_used = time.monotonic(), processor(process.pid)
        print(f"  {what}: {now - begun:.2f} s (of the server's processor {all_used - used:.2f} s)", flush=True)
        begun, used = time.monotonic(), all_used

    command = [sys.executable, "-m", "attrax_vot", "explore", str(space), "--port", "0"]
    with (
        tempfile.TemporaryDirectory() as profile,
        Chromium(program, Path(profile)) as browser,
    ):
        browser.call("Browser.getVersion")
        begun = time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                address = process.stdout.readline().strip()
                took("command to address")
                page = browser.open(address, 1400, 900)
                page.until(f"document.querySelectorAll('#table tbody tr').length === {SEQUENCES}")
                took("page to table")
                page.until(f"!board.busy && experiment().trackers.length === {TRACKERS}")
                took("all scores, after that")
                begun = time.monotonic()
                page.value("openPlayer(board.sequences[1].name)")
                page.until(f"clip && runs.size === {TRACKERS} && by('frame').naturalWidth === {WIDTH}")
                took("player with all boxes")
                page.until("windows.length")
                took("windows of difference, after that")
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(30)


def main() -> None:
    """Measures the first start, which scores, and the second."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        sys.exit("there is no chromium (Debian: apt install chromium)")
    # Scoring everything takes a while.
    chromium.PATIENCE = 3600
    space = make(Path(sys.argv[1]).resolve())
    shutil.rmtree(space / ".attrax" / "explore", ignore_errors=True)
    print(f"{SEQUENCES} sequences of {FRAMES} frames, {TRACKERS} trackers, repetitions: {REPETITIONS}")
    for start in ("first", "second", "third"):
        print(f"{start} start:")
        measure(space, program)


if __name__ == "__main__":
    main()
