"""A strip of pictures around each failure, cropped to the target, so that what went wrong is seen at its size."""

import base64
import math
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
from vot.region import Special
from vot.tracker import Trajectory

from attrax_vot.analysis import otb
from attrax_vot.analysis.runs import Run
from attrax_vot.report.pictures import BOX, INK, PAPER, TRUTH, Footage, Picture, outline, state

# Frames before a failure that a strip shows.
BEFORE = (20, 6, 2, 1)
# Pixels of a tile, and what it shows: this multiple of the target's longer side, and more to hold
# the tracker's box.
TILE, CONTEXT, WIDEST = 150, 3.0, 8.0
QUALITY = 70
# Strips that a page holds: more would make it too large to open.
MOST = 150


@dataclass(frozen=True)
class Strip:
    """The frames around a failure.

    Attributes:
        tracker: its reference.
        sequence: where.
        repetition: from 1.
        frame: from 0.
        shown: the frames in the strip, from 0.
        picture: as a data URL.
    """

    tracker: str
    sequence: str
    repetition: int
    frame: int
    shown: list[int]
    picture: str


def draw(runs: list[Run]) -> tuple[list[Strip], int]:
    """Draws the failures of trackers, those in first repetitions before others.

    Returns:
        The strips, `MOST` of them at most, and how many failures are left without.
    """
    wanted = []
    for sequence in runs[0].sequences:
        if not Path(sequence.frame(0).filename()).is_file():
            continue
        for run in runs:
            for repetition in run.repetitions(sequence):
                wanted += [(repetition.index, sequence, run, frame) for frame in repetition.failures]
    # The sort keeps the order within a repetition.
    wanted.sort(key=lambda each: each[0])
    strips = []
    for (index, sequence, run), failures in groupby(wanted[:MOST], lambda each: each[:3]):
        footage = Footage(sequence, run.trajectory(sequence, index).regions(), index)
        strips += [_strip(footage, run.reference, frame) for *_, frame in failures]
    return strips, max(0, len(wanted) - MOST)


def _strip(footage: Footage, tracker: str, frame: int) -> Strip:
    """The frames before a failure, and the failure."""
    frames = [each for each in (*(frame - step for step in BEFORE), frame) if each >= 0]
    side = _side(footage, frames)
    picture = np.hstack([_tile(footage, each, side) for each in frames])
    encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
    address = "data:image/jpeg;base64," + base64.b64encode(encoded).decode()
    return Strip(tracker, footage.sequence.name, footage.index, frame, frames, address)


def _tile(footage: Footage, frame: int, side: float) -> Picture:
    """A square of a frame around its target: ground truth green, the tracker's box red, frame number and overlap."""
    image = cv2.imread(footage.sequence.frame(frame).filename())
    if image is None:
        return np.full((TILE, TILE, 3), PAPER, np.uint8)
    truth, region = footage.sequence.groundtruth(frame), footage.regions[frame]
    left, top, width, height = _place(footage, frame)
    corner = (left + width / 2 - side / 2, top + height / 2 - side / 2)
    scale = TILE / side
    shift = np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    tile = cv2.warpAffine(image, shift, (TILE, TILE), flags=method, borderValue=PAPER)
    if not truth.is_empty():
        outline(tile, truth, scale, TRUTH, corner)
    if not isinstance(region, Special):
        outline(tile, region, scale, BOX, corner)
    words = f"{frame} {state(footage, frame)}"
    cv2.rectangle(tile, (0, 0), (TILE, 16), PAPER, -1)
    colour = BOX if isinstance(region, Special) and region.code == Trajectory.FAILURE else INK
    cv2.putText(tile, words, (4, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)
    return tile


def _place(footage: Footage, frame: int) -> list[float]:
    """The box of the ground truth in a frame, or in the nearest frame before it that has one, else after it."""
    order = [*range(frame, -1, -1), *range(frame + 1, len(footage.sequence))]
    boxes = (otb.box(footage.sequence.groundtruth(each)) for each in order)
    return next((box for box in boxes if not math.isnan(box[0])), [0.0, 0.0, 1.0, 1.0])


def _side(footage: Footage, frames: list[int]) -> float:
    """How many pixels of the frame a tile shows: the target with its surroundings, and the tracker's boxes."""
    sizes, reaches = [], []
    for frame in frames:
        left, top, width, height = _place(footage, frame)
        sizes.append(max(width, height, 1.0))
        region = footage.regions[frame]
        x, y, w, h = otb.box(region)
        if not math.isnan(x):
            across = max(abs(x - left - width / 2), abs(x + w - left - width / 2))
            down = max(abs(y - top - height / 2), abs(y + h - top - height / 2))
            reaches.append(2.2 * max(across, down))
    size = max(sizes)
    return min(max(CONTEXT * size, *reaches, 0.0), WIDEST * size)
