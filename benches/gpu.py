"""Speed and memory on one device: each preset, several targets, several sequences at once; `make gpu` runs it.

Frames are enlarged to 640 x 480, the size that the bars are for.
"""

import argparse
import datetime
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from csrt import sequence

from attrax import Tracker

SIZE = (640, 480)
PRESETS = ("released", "attrax", "fast", "mdnet")
# Beside one, which the presets are measured with.
TARGETS = (2, 5, 10)
PROCESSES = (2, 4)
NVIDIA_SMI = ("nvidia-smi", "--format=csv,noheader,nounits")


@dataclass
class Material:
    """Frames in OpenCV's order of colours, and the target's box in the first one."""

    frames: list[np.ndarray]
    box: tuple[float, float, float, float]


@dataclass
class Memory:
    """The most memory that the device had in use, MiB, and how much there was before."""

    before: float = 0.0
    most: float = 0.0
    done: threading.Event = field(default_factory=threading.Event)


def material(folder: Path, count: int) -> Material:
    """The first frames of a sequence in the toolkit's format, enlarged."""
    paths, (left, top, wide, high) = sequence(folder)
    images = [cv2.imread(str(path)) for path in paths[: count + 1]]
    height, width = images[0].shape[:2]
    across, down = SIZE[0] / width, SIZE[1] / height
    return Material(
        [cv2.resize(image, SIZE) for image in images], (left * across, top * down, wide * across, high * down)
    )


def asked(device: str, what: str) -> str:
    """What nvidia-smi says about a device, `cuda:N`."""
    query = [*NVIDIA_SMI, f"--id={device.partition(':')[2] or 0}", f"--query-gpu={what}"]
    return subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def watched(device: str) -> Iterator[Memory]:
    """Reads the device's memory twice a second meanwhile; nothing on a CPU."""
    memory = Memory()
    if device == "cpu":
        yield memory
        return
    memory.before = memory.most = float(asked(device, "memory.used"))

    def watch() -> None:
        while not memory.done.wait(0.5):
            memory.most = max(memory.most, float(asked(device, "memory.used")))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield memory
    finally:
        memory.done.set()
        thread.join()


def tracked(
    material: Material, preset: str, device: str, targets: int = 1, begun: threading.Barrier | None = None
) -> dict[str, float]:
    """Seconds of the first frame, and frames a second after it; the frames of all targets count."""
    left, top, width, height = material.box
    boxes = [(left + 8 * ((place + 2) % 5 - 2), top + 8 * (place // 5), width, height) for place in range(targets)]
    with Tracker(preset, device=device, bgr=True) as tracker:
        start = time.perf_counter()
        tracker.init(material.frames[0], boxes if targets > 1 else boxes[0])
        first = time.perf_counter() - start
        if begun is not None:
            begun.wait()
        start = time.perf_counter()
        for frame in material.frames[1:]:
            tracker.update(frame)
        seconds = time.perf_counter() - start
    return {"first_seconds": first, "frames_a_second": targets * (len(material.frames) - 1) / seconds}


def together(material: Material, device: str, count: int) -> dict[str, float]:
    """The sum of the frames a second of `count` processes of `fast` at once, and the longest first frame."""
    begun = threading.Barrier(count)
    with ThreadPoolExecutor(count) as pool:
        results = list(pool.map(lambda _: tracked(material, "fast", device, begun=begun), range(count)))
    return {
        "first_seconds": max(result["first_seconds"] for result in results),
        "frames_a_second": sum(result["frames_a_second"] for result in results),
    }


def name_of(device: str) -> str:
    """The device, in words."""
    if device == "cpu":
        return "the processor alone"
    return asked(device, "name")


def page(summary: dict) -> str:
    """A section for docs/performance.md."""
    lines = [
        f"One {summary['device']}, {summary['date']}, {summary['frames']} frames of `{summary['sequence']}` enlarged "
        f"to {SIZE[0]} x {SIZE[1]}, through Python; `make gpu`.",
        "",
        "| what | first frame, s | frames a second | memory, MiB |",
        "|---|---:|---:|---:|",
    ]
    for row in summary["rows"]:
        memory = "" if row["memory_mib"] is None else f"{row['memory_mib']:.0f}"
        lines.append(f"| {row['what']} | {row['first_seconds']:.1f} | {row['frames_a_second']:.1f} | {memory} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures, and writes the summary and the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sequence", type=Path, help="a folder with groundtruth.txt and color/")
    parser.add_argument("results", type=Path, help="where summary.json and page.md go")
    parser.add_argument("--device", default="cuda:0", help="cuda:N, or cpu to try it without a card")
    parser.add_argument("--frames", type=int, default=60, help="frames after the first one")
    arguments = parser.parse_args()
    device, rows = arguments.device, []
    frames = material(arguments.sequence, arguments.frames)

    runs = [(f"`{preset}`", lambda preset=preset: tracked(frames, preset, device)) for preset in PRESETS]
    runs += [(f"`fast`, {n} targets", lambda n=n: tracked(frames, "fast", device, n)) for n in TARGETS]
    runs += [(f"`fast`, {n} processes", lambda n=n: together(frames, device, n)) for n in PROCESSES]
    for what, run in runs:
        with watched(device) as memory:
            row = run()
        used_here = None if device == "cpu" else memory.most - memory.before
        rows.append({"what": what, **row, "memory_mib": used_here})
        print(f"{what}: {row['frames_a_second']:.1f} frames a second, the first in {row['first_seconds']:.1f} s")
    summary = {
        "device": name_of(device),
        "date": f"{datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d}",
        "sequence": arguments.sequence.name,
        "frames": len(frames.frames) - 1,
        "rows": rows,
    }
    (arguments.results / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    (arguments.results / "page.md").write_text(page(summary))
    print(page(summary))


if __name__ == "__main__":
    main()
