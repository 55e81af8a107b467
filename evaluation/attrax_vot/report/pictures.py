"""Strips of frames with the ground truth and a tracker's box, so that drift is seen at a glance."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from cv2.typing import MatLike
from vot.region import Polygon, Rectangle, Region, Special, calculate_overlap
from vot.tracker import Trajectory

from attrax_vot.analysis import results
from attrax_vot.errors import EvaluationError
from attrax_vot.files import write_whole
from attrax_vot.run.opened import OpenWorkspace

if TYPE_CHECKING:
    from vot.dataset import Sequence

# OpenCV's order: blue, green, red.
TRUTH, BOX, INK, PAPER = (60, 220, 60), (40, 40, 240), (255, 255, 255), (24, 24, 24)
TILE_WIDTH, COLUMNS = 300, 5
# Frames around a failure: the ones before it, and the one where the tracker is put back.
BEFORE, AFTER = (40, 25, 15, 10, 6, 4, 2, 1), (5,)
OVERVIEW = 15

Picture = MatLike


@dataclass(frozen=True)
class Footage:
    """A repetition of a tracker on a sequence, as it is drawn.

    Attributes:
        sequence: as the experiment sees it.
        regions: the tracker's, or special ones, by frame.
        index: of the repetition, from 1.
    """

    sequence: "Sequence"
    regions: list[Region]
    index: int


def render_workspace(opened: OpenWorkspace, tracker: str, out: Path, names: list[str] | None = None) -> list[Path]:
    """Draws every repetition of a tracker: an overview of the sequence, and a strip for each failure.

    Args:
        opened: the workspace.
        tracker: whose results.
        out: where the pictures go, as PNG.
        names: of the sequences; all when there are none.

    Returns:
        The files, in order.

    Raises:
        EvaluationError: the tracker or a sequence is unknown, or there are no results.
    """
    run = opened.run(opened.needed(), opened.tracker(tracker))
    opened.check_names(names, [run.experiment])
    paths = []
    for sequence in run.sequences:
        if names and sequence.name not in names:
            continue
        for repetition in run.repetitions(sequence):
            stem = results.name(sequence, repetition.index)
            footage = Footage(sequence, run.trajectory(sequence, repetition.index).regions(), repetition.index)
            pictures = {stem: overview(footage)}
            for frame in repetition.failures:
                pictures[f"{stem}_lost_at_{frame:04d}"] = failure_strip(footage, frame)
            for name, picture in pictures.items():
                path = out / f"{name}.png"
                # OpenCV's own writing says nothing of a full disk.
                write_whole(path, cv2.imencode(".png", picture)[1].tobytes())
                paths.append(path)
    if not paths:
        where = f" on {', '.join(names)}" if names else ""
        command = f"attrax-vot run {opened.directory} {tracker}"
        raise EvaluationError(f"{tracker} has no results{where}; '{command}' makes them")
    return paths


def overview(footage: Footage) -> Picture:
    """Frames evenly spread over a footage."""
    last = len(footage.sequence) - 1
    frames = sorted({round(last * step / (OVERVIEW - 1)) for step in range(OVERVIEW)})
    return sheet(footage, frames, f"{footage.sequence.name}, repetition {footage.index}")


def failure_strip(footage: Footage, frame: int, before: tuple[int, ...] = BEFORE) -> Picture:
    """The frames that lead to a failure, the failure itself, and where the tracker was put back.

    Args:
        footage: of which repetition.
        frame: of the failure, from 0.
        before: how many frames earlier each of the first tiles is.
    """
    wanted = [frame - step for step in before] + [frame] + [frame + step for step in AFTER]
    frames = [each for each in wanted if 0 <= each < len(footage.sequence)]
    return sheet(footage, frames, f"{footage.sequence.name}, repetition {footage.index}, lost at frame {frame}")


def sheet(footage: Footage, frames: list[int], title: str) -> Picture:
    """Tiles of frames (from 0), row by row, beneath a title."""
    tiles = [tile(footage, frame) for frame in frames]
    blank = np.full_like(tiles[0], PAPER[0])
    tiles += [blank] * (-len(tiles) % min(COLUMNS, len(tiles)))
    columns = min(COLUMNS, len(tiles))
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    head = np.full((26, rows[0].shape[1], 3), PAPER[0], np.uint8)
    cv2.putText(head, title, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, INK, 1, cv2.LINE_AA)
    return np.vstack([head, *rows])


def tile(footage: Footage, frame: int) -> Picture:
    """One frame, small: ground truth green, the tracker's box red, frame number and overlap."""
    name = footage.sequence.frame(frame).filename()
    image = cv2.imread(name)
    if image is None:
        raise EvaluationError(f"{name} cannot be read as an image")
    scale = TILE_WIDTH / image.shape[1]
    small = cv2.resize(image, (TILE_WIDTH, round(image.shape[0] * scale)), interpolation=cv2.INTER_AREA)
    truth, region = footage.sequence.groundtruth(frame), footage.regions[frame]
    outline(small, truth, scale, TRUTH)
    outline(small, region, scale, BOX)
    words = state(footage, frame)
    cv2.rectangle(small, (0, 0), (110, 18), PAPER, -1)
    colour = BOX if words == "LOST" else INK
    cv2.putText(small, f"{frame} {words}", (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)
    return small


def state(footage: Footage, frame: int) -> str:
    """A frame in a word: its overlap, or what the tracker was doing instead."""
    region = footage.regions[frame]
    if not isinstance(region, Special):
        return f"{calculate_overlap(region, footage.sequence.groundtruth(frame), footage.sequence.size):.2f}"
    states = {Trajectory.INITIALIZATION: "init", Trajectory.FAILURE: "LOST", Trajectory.UNKNOWN: "skipped"}
    return states.get(region.code, "")


def outline(
    picture: Picture,
    region: Region,
    scale: float,
    colour: tuple[int, int, int],
    corner: tuple[float, float] = (0.0, 0.0),
) -> None:
    """Draws a region's outline; a special region has none.

    Args:
        picture: to draw on.
        region: in pixels of the full frame.
        scale: pixels of the picture for each of the frame.
        colour: blue, green, red.
        corner: the frame's point at the picture's upper left.
    """
    if isinstance(region, Rectangle):
        left, top, right, bottom = region.x, region.y, region.x + region.width, region.y + region.height
        points = [(left, top), (right, top), (right, bottom), (left, bottom)]
    elif isinstance(region, Polygon):
        points = region.points()
    else:
        return
    # OpenCV takes fixed-point coordinates, here in sixteenths of a pixel.
    corners = np.rint((np.array(points) - corner) * scale * 16).astype(np.int32)
    cv2.polylines(picture, [corners], True, colour, 1, cv2.LINE_AA, 4)
