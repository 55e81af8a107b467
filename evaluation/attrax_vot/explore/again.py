"""The command that repeats a stretch of a run of attrax's, with the maps of its last frames."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vot.region import Polygon, Rectangle, Region, Special

from attrax_vot.analysis import otb
from attrax_vot.explore.study import Playback, Study, shape
from attrax_vot.program import remedy
from attrax_vot.run import registration
from attrax_vot.run.runner import COUNT_VARIABLE

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.tracker import Tracker

# Frames with maps: the wanted one, and those before it.
SEEN = 30
# Flags that `attrax serve` alone has: with a value, and without.
VALUED, BARE = ("--initial-box", "--max-"), ("--multi-object",)
# As attrax-session: polygons that enclose less of the box around them are taken as this box.
SMALLEST = 0.1


class NoMapsError(Exception):
    """Why there are no maps, in a sentence."""


@dataclass(frozen=True)
class Wanted:
    """A run of a tracker in which a frame is looked at.

    Attributes:
        experiment: its name.
        tracker: of the run.
        sequence: of the run.
        repetition: from 1.
        frame: from 0.
    """

    experiment: str
    tracker: "Tracker"
    sequence: "Sequence"
    repetition: int
    frame: int


@dataclass(frozen=True)
class MapsStretch:
    """Frames from an initialisation to the wanted frame, counted from 0.

    Attributes:
        first: the frame of the initialisation.
        seen: the first frame with maps.
        last: the wanted frame.
        earlier: initialisations of the sequence before this one, in all repetitions.
    """

    first: int
    seen: int
    last: int
    earlier: int


def reason(tracker: "Tracker") -> str:
    """Why a tracker has no maps; empty where it has some."""
    said = tracker.describe()
    if not said.get("command"):
        return f"{tracker.label} is a published result: its boxes are known, and no program computes maps of it"
    started = registration.program(tracker)
    if said.get("protocol") != "trax" or not started.attrax:
        return f"{tracker.label} is not a tracker of attrax: only attrax computes attention and scores"
    if started.path is None:
        return f"the registration of {tracker.label} names a missing program, attrax; {remedy()}"
    return ""


def stretch(study: Study, wanted: Wanted, run: Playback) -> MapsStretch:
    """The frames that are tracked in again for the maps of a frame.

    Raises:
        NoMapsError: the tracker did not see the frame.
    """
    if run.states[wanted.frame] == "skipped":
        raise NoMapsError(f"in frame {wanted.frame} {wanted.tracker.label} waits to be put back: it sees nothing")
    starts = [number for number, state in enumerate(run.states) if state == "init"]
    starts = starts if starts[:1] == [0] else [0, *starts]
    before = [start for start in starts if start <= wanted.frame]
    known = study.record(wanted.experiment, wanted.tracker, wanted.sequence).starts
    earlier = sum(count for index, count in known.items() if index < wanted.repetition)
    first = before[-1]
    return MapsStretch(first, max(first, wanted.frame - SEEN + 1), wanted.frame, earlier + len(before) - 1)


def command(wanted: Wanted, frames: MapsStretch, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Makes the folder of frames, and gives the command with its environment. Boxes go to standard output.

    Args:
        wanted: the run.
        frames: to track in.
        folder: for the command: `frames` are links, `maps` are the pictures, named by frame.

    Raises:
        NoMapsError: the target has no box in the first frame.
    """
    tracker, sequence = wanted.tracker, wanted.sequence
    links = folder / "frames"
    links.mkdir()
    truth = []
    for number in range(frames.first, frames.last + 1):
        source = Path(sequence.frame(number).filename())
        (links / f"{number:08d}{source.suffix}").symlink_to(source.absolute())
        place = shape(sequence.groundtruth(number)) or [float("nan")] * 4
        truth.append(",".join(map(str, place)) + "\n")
    # The pictures have the ground truth too.
    (links / "groundtruth.txt").write_text("".join(truth))
    said, started = tracker.describe(), registration.program(tracker)
    flags, rule = _flags(started.words)
    given = sequence.groundtruth(frames.first)
    if isinstance(given, Special):
        raise NoMapsError(f"frame {frames.first}, where the run begins, has no ground truth to start from")
    box = ",".join(f"{value:.4f}" for value in initial_box(given, rule))
    words = [started.path or started.name, "track", str(links), *flags]
    for key, value in (said.get("arguments") or {}).items():
        words += ["--set", f"{key}={value}"]
    words += ["--box", box, "--maps", str(folder / "maps"), "--maps-from", str(frames.seen - frames.first + 1)]
    environment = {key: str(value) for key, value in (said.get("env") or {}).items()}
    return words, {**os.environ, **environment, COUNT_VARIABLE: str(frames.earlier)}


def initial_box(region: Region, rule: str) -> tuple[float, float, float, float]:
    """The box that `attrax serve --initial-box RULE` takes for a region."""
    left, top, width, height = map(float, otb.box(region))
    if rule != "equal-area" or not isinstance(region, Polygon) or isinstance(region, Rectangle):
        return left, top, width, height
    points = region.points()
    after = [*points[1:], points[0]]
    area = abs(sum(x * v - y * u for (x, y), (u, v) in zip(points, after, strict=True))) / 2
    scale = (area / (width * height)) ** 0.5
    if scale < SMALLEST:
        return left, top, width, height
    x, y = (sum(values) / len(points) for values in zip(*points, strict=True))
    width, height = scale * width, scale * height
    return x - width / 2, y - height / 2, width, height


def first_difference(run: Playback, wanted: MapsStretch, boxes: list[tuple[float, ...]]) -> int | None:
    """The first frame whose box in the results is another one than now; none where all are the same."""
    for number, box in enumerate(boxes, wanted.first):
        known = run.regions[number]
        if run.states[number] or known is None:
            continue
        # Results and tables are rounded.
        if len(known) != 4 or any(abs(one - other) > 0.02 for one, other in zip(known, box, strict=True)):
            return number
    return None


def clear(folder: Path) -> None:
    """Removes the folder of a command."""
    shutil.rmtree(folder, ignore_errors=True)


def _flags(words: list[str]) -> tuple[list[str], str]:
    """The flags of `attrax track` among those of `attrax serve`, and the rule for a polygon's box."""
    kept, rule = [], "bounding"
    queue = iter(words[1:] if words[:1] == ["serve"] else words)
    for word in queue:
        name, equals, value = word.partition("=")
        if name in BARE:
            continue
        if name.startswith(VALUED):
            value = value if equals else next(queue, "")
            rule = value if name == "--initial-box" else rule
            continue
        kept.append(word)
    return kept, rule
