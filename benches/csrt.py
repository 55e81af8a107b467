"""Frames a second of the presets `fast` and `attrax` next to OpenCV's CSRT on the same frames; `make bench` runs it.

The trackers take turns at every frame, so that other load on the machine affects all of them. CSRT comes with
OpenCV's contributed modules, which `make bench` fetches into a folder of their own (`--modules`).
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean

from attrax import Tracker

THREADS = 2


def sequence(folder: Path) -> tuple[list[Path], tuple[float, float, float, float]]:
    """The frames of a sequence in the toolkit's format, and the box around its first region."""
    numbers = [float(number) for number in (folder / "groundtruth.txt").read_text().split()[0].split(",")]
    if len(numbers) == 4:
        return sorted((folder / "color").glob("*.jpg")), tuple(numbers)
    xs, ys = numbers[::2], numbers[1::2]
    return sorted((folder / "color").glob("*.jpg")), (min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


def main() -> None:
    """Tracks the sequence with each, and writes the frames a second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sequence", type=Path, help="a folder with groundtruth.txt and color/")
    parser.add_argument("results", type=Path, help="where the JSON goes")
    parser.add_argument("--modules", type=Path, required=True, help="folder of an OpenCV with CSRT")
    parser.add_argument("--frames", type=int, default=100, help="frames after the first one")
    arguments = parser.parse_args()
    sys.path.insert(0, str(arguments.modules))
    import cv2

    cv2.setNumThreads(THREADS)
    paths, box = sequence(arguments.sequence)
    frames = [cv2.imread(str(path)) for path in paths[: arguments.frames + 1]]
    whole = tuple(round(number) for number in box)
    csrt = cv2.TrackerCSRT_create()
    settings = {"fast": ("fast", {}), "fast, float32": ("fast", {"precision": "float32"}), "default": ("attrax", {})}
    ours = {
        name: Tracker(preset, threads=THREADS, device="cpu", settings=setting, bgr=True)
        for name, (preset, setting) in settings.items()
    }
    begin = {"CSRT": lambda frame: csrt.init(frame, whole)}
    track: dict[str, Callable] = {"CSRT": csrt.update}
    for name, tracker in ours.items():
        begin[name] = lambda frame, tracker=tracker: tracker.init(frame, box)
        track[name] = tracker.update

    def timed(call: Callable, frame: object) -> float:
        start = time.perf_counter()
        call(frame)
        return time.perf_counter() - start

    first = {name: timed(call, frames[0]) for name, call in begin.items()}
    later = {name: [] for name in track}
    for frame in frames[1:]:
        for name, call in track.items():
            later[name].append(timed(call, frame))
    for tracker in ours.values():
        tracker.close()
    rows = {
        name: {"first_seconds": first[name], "frames_a_second": 1 / mean(seconds)} for name, seconds in later.items()
    }
    result = {
        "sequence": arguments.sequence.name,
        "frames": len(frames) - 1,
        "opencv": cv2.__version__,
        "threads": THREADS,
        "trackers": rows,
    }
    arguments.results.write_text(json.dumps(result, indent=2) + "\n")
    for name, row in rows.items():
        print(f"{name}: {row['frames_a_second']:.1f} frames a second, the first in {row['first_seconds']:.2f} s")
    print(f"{result['frames']} frames of {result['sequence']}, {os.cpu_count()} cores, OpenCV {cv2.__version__}")


if __name__ == "__main__":
    main()
