"""One run of a tracker in one window, through TraX, and its overlaps with the ground truth."""

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from trax.client import Client
from trax.image import FileImage
from vot.region import calculate_overlap
from vot.region.shapes import Shape
from vot.tracker.trax import convert_region, convert_traxregion

from attrax_vot.compare.windows.plan import Task
from attrax_vot.compare.windows.table import WindowRow
from attrax_vot.link import Link, LinkError
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from vot.dataset import Sequence


def run(task: Task, sequence: "Sequence", command: list[str], program: str) -> WindowRow:
    """Makes a run in a process of its own, so that its draws depend on nothing else than the seed.

    Raises:
        EvaluationError: the tracker did not start or did not answer.
    """
    window = task.window
    place = f"{task.arm}, seed {task.seed}, {window.sequence} from frame {window.start + 1}"
    images = [_image(sequence, window.start + index) for index in range(window.frames + 1)]
    first = convert_region(sequence.groundtruth(window.start))
    overlaps, seconds = [], []
    link = None
    try:
        link = Link(command)
        started = time.perf_counter()
        link.ask(lambda client: client.initialize({"color": images[0]}, [(first, {})], {}))
        initialization = time.perf_counter() - started
        for index, image in enumerate(images[1:], window.start + 1):
            started = time.perf_counter()
            objects = link.ask(_request(image))[0]
            seconds.append(time.perf_counter() - started)
            overlaps.append(_overlap(sequence, index, convert_traxregion(objects[0][0])))
            if overlaps[-1] == 0:
                break
    except (LinkError, OSError) as error:
        raise EvaluationError(f"{place}: {error}") from error
    finally:
        if link is not None:
            link.close()
    return _row(task, overlaps, seconds, initialization, program)


def _row(task: Task, overlaps: list[float], seconds: list[float], initialization: float, program: str) -> WindowRow:
    """The measures of a run. A frame without ground truth has no overlap, and does not count."""
    window = task.window
    failed = overlaps[-1] == 0
    tracked = [value for value in (overlaps[:-1] if failed else overlaps) if not math.isnan(value)]
    lost = window.frames - len(overlaps) + 1 if failed else 0
    counted = len(tracked) + lost
    return WindowRow(
        task.arm,
        task.seed,
        window.sequence,
        window.start,
        window.frames,
        sum(tracked) / counted if counted else math.nan,
        len(overlaps) if failed else math.nan,
        float(np.mean(tracked)) if tracked else math.nan,
        float(np.mean(seconds)),
        initialization,
        program,
    )


def _request(image: FileImage) -> Callable[[Client], Any]:
    return lambda client: client.frame({"color": image}, {}, [])


def _image(sequence: "Sequence", index: int) -> FileImage:
    return FileImage.create(sequence.frame(index).filename())


def _overlap(sequence: "Sequence", index: int, region: Shape) -> float:
    """The toolkit's overlap within the frame; not a number where there is no ground truth."""
    truth = sequence.groundtruth(index)
    if not isinstance(truth, Shape):
        return math.nan
    return float(calculate_overlap(truth, region, sequence.size))
