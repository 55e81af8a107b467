"""Crops of annotated frames: positive and negative samples, as the tracker draws and cuts them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps

from attrax_vot.datasets.clip import Clip, fit, read_rows
from attrax_vot.datasets.frames import images
from attrax_vot.datasets.truth import TruthRow
from attrax_vot.errors import EvaluationError
from attrax_vot.training.changes import changed
from attrax_vot.weights.embed_efficientnet import CROP, network_input

#: Share of a crop's side that is context, on each side.
CONTEXT = 16 / 107
GREY = (127, 127, 127)

Boxes = np.ndarray  # (N, 4): left, top, width, height, pixels


@dataclass(frozen=True)
class Sequence:
    """One video: its frames, and the target's box in each."""

    name: str
    frames: list[Path]
    boxes: Boxes


def sequences(folder: Path) -> list[Sequence]:
    """The sequences of a folder: `NAME/frames/*.jpg` and `NAME/groundtruth.txt`, a row for each frame.

    Frames without a region are left out; a polygon or a mask counts as the box around it.

    Raises:
        EvaluationError: there is no sequence, or frames or rows of one cannot be used.
    """
    found = []
    for source in sorted(folder.glob("*/groundtruth.txt")):
        clip = Clip(source.parent.name, source.parent)
        rows = fit(clip, "color", images(source.parent / "frames"), read_rows(clip, source), source)
        if not clip.errors and len(clip.frames) != len(rows):
            clip.fail(f"{source}: {len(rows)} boxes for {len(clip.frames)} frames in {source.parent}/frames")
        if clip.errors:
            raise EvaluationError("\n".join(clip.errors))
        known = [(frame, _box(row)) for frame, row in zip(clip.frames, rows, strict=True) if row.bounds]
        if known:
            found.append(Sequence(clip.name, [frame for frame, _ in known], np.array([box for _, box in known])))
    if not found:
        raise EvaluationError(f"{folder}: no sequence; one is NAME/groundtruth.txt and NAME/frames/*.jpg")
    return found


def _box(row: TruthRow) -> tuple[float, ...]:
    """Left, top, width and height of a row's region."""
    if len(row.numbers) == 4 or row.bounds is None:
        return row.numbers
    left, top, right, bottom = row.bounds
    return (left, top, right - left, bottom - top)


def overlaps(boxes: Boxes, box: Boxes) -> np.ndarray:
    """Intersection over union of boxes with one box."""
    low, high = np.maximum(boxes[:, :2], box[:2]), np.minimum(boxes[:, :2] + boxes[:, 2:], box[:2] + box[2:])
    both = np.clip(high - low, 0, None).prod(axis=1)
    return both / (boxes[:, 2:].prod(axis=1) + box[2:].prod() - both)


def around(box: Boxes, draws: np.ndarray, translation: float, scale: float) -> Boxes:
    """Boxes around a box, by three draws in [-1, 1] each: translated in mean sides, scaled by a factor to a power."""
    centre = box[:2] + box[2:] / 2 + translation * box[2:].mean() * draws[:, :2]
    sides = box[2:] * scale ** draws[:, 2:]
    return np.hstack([centre - sides / 2, sides])


def anywhere(random: np.random.Generator, box: Boxes, count: int, size: tuple[int, int]) -> Boxes:
    """Boxes of about the target's size, anywhere in a frame of (width, height) pixels."""
    sides = box[2:] * 1.2 ** random.uniform(-1, 1, (count, 1))
    return np.hstack([random.uniform(0, 1, (count, 2)) * size - sides / 2, sides])


def positives(random: np.random.Generator, box: Boxes, count: int) -> Boxes:
    """Positive samples: overlap of 0.7 or more."""

    def gaussian(shape: tuple[int, int]) -> np.ndarray:
        return np.clip(0.5 * random.standard_normal(shape), -1, 1)

    return _kept(lambda n: around(box, _draws(gaussian, n), 0.1, 1.2), box, count, (0.7, 1.0))


def negatives(random: np.random.Generator, box: Boxes, count: int, size: tuple[int, int]) -> Boxes:
    """Negative samples: overlap of 0.5 or less, half of them near the target."""

    def uniform(shape: tuple[int, int]) -> np.ndarray:
        return random.uniform(-1, 1, shape)

    near = _kept(lambda n: around(box, _draws(uniform, n), 1.5, 1.5), box, count // 2, (0.0, 0.5))
    far = _kept(lambda n: anywhere(random, box, n, size), box, count - count // 2, (0.0, 0.5))
    return np.vstack([near, far])


def _draws(draw: Callable[[tuple[int, int]], np.ndarray], count: int) -> np.ndarray:
    """Three numbers for each of `count` boxes: its translation's, and its scale's."""
    return np.hstack([draw((count, 2)), draw((count, 1))])


def _kept(draw: Callable[[int], Boxes], box: Boxes, count: int, bounds: tuple[float, float]) -> Boxes:
    """So many drawn boxes whose overlap is in the bounds; fewer where that is hard to meet."""
    kept, missing = np.empty((0, 4)), count
    for _ in range(50):
        boxes = draw(4 * count)
        values = overlaps(boxes, box)
        kept = np.vstack([kept, boxes[(values >= bounds[0]) & (values <= bounds[1])][:missing]])
        missing = count - len(kept)
        if missing == 0:
            break
    return kept


def covered(boxes: Boxes) -> tuple[np.ndarray, np.ndarray]:
    """The corners (N, 2) of what the crops of boxes cover, whole pixels of the frame."""
    grown = boxes[:, 2:] * (1 + 2 * CONTEXT)
    middle = boxes[:, :2] + boxes[:, 2:] / 2
    low = np.floor(middle - grown / 2 + 0.5).astype(int)
    return low, np.maximum(np.floor(middle + grown / 2 + 0.5).astype(int), low + 1)


def crops(image: Image.Image, boxes: Boxes, side: int = CROP) -> np.ndarray:
    """Boxes with their context as crops (N, side, side, 3) uint8: cut at whole pixels, averaged where they shrink."""
    result = np.empty((len(boxes), side, side, 3), np.uint8)
    for place, (low, high) in enumerate(zip(*covered(boxes), strict=True)):
        canvas = Image.new("RGB", tuple(high - low), GREY)
        inside = (max(low[0], 0), max(low[1], 0), min(high[0], image.width), min(high[1], image.height))
        if inside[0] < inside[2] and inside[1] < inside[3]:
            canvas.paste(image.crop(inside), (inside[0] - low[0], inside[1] - low[1]))
        result[place] = np.asarray(canvas.resize((side, side), Image.Resampling.BILINEAR))
    return result


def batch(
    random: np.random.Generator, sequence: Sequence, frames: int, per_frame: tuple[int, int], share: float = 0.0
) -> list[torch.Tensor]:
    """Positive and negative samples of some frames as the network's input, flipped or blurred by chance.

    `share` is the probability of each further change of a crop (`changes.changed`).
    """
    chosen = random.choice(len(sequence.frames), min(frames, len(sequence.frames)), replace=False)
    flip, blur = random.random() < 0.5, float(random.choice([0.0, 0.0, 1.0, 2.0]))
    parts: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for index in chosen:
        with Image.open(sequence.frames[index]) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
        box = sequence.boxes[index]
        if blur:
            image = image.filter(ImageFilter.BoxBlur((blur, 0.0) if random.random() < 0.5 else blur))
        of_target = crops(image, positives(random, box, per_frame[0]))
        of_background = crops(image, negatives(random, box, per_frame[1], image.size))
        if share and len(of_background):
            other = of_background[-1].copy()
            for cut in (of_target, of_background):
                for place, crop in enumerate(cut):
                    cut[place] = changed(random, crop, other, share)
        parts[0].append(of_target)
        parts[1].append(of_background)
    joined = [network_input(np.concatenate(part), torch.float32) for part in parts]
    return [part.flip(3) if flip else part for part in joined]
