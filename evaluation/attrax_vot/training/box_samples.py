"""What the box head learns from: planes of the surroundings of boxes around targets, in annotated frames."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps
from torch.nn import functional

from attrax_vot.training import samples
from attrax_vot.training.box_head import SIDE, overlaps
from attrax_vot.training.changes import changed
from attrax_vot.training.samples import Boxes, Sequence
from attrax_vot.weights.blocks import Block
from attrax_vot.weights.embed_efficientnet import CROP, block, network_input, stem

#: Deviations of the boxes around a target, and their bounds: translation in mean sides, logarithms
#: of scale and of proportions (a bound of 1.5 for the scale, 1.6 for width by height). A tracker's
#: errors are of this kind.
TRANSLATION, SCALE, ASPECT = (0.15, 0.4), (0.2, 0.405), (0.14, 0.235)
#: Overlaps that such a box has at least with the target, and that it has to be another view of what
#: the target is.
LEAST_OVERLAP, LEAST_STYLE = 0.25, 0.6
#: Least and largest distance of a negative box from the target, mean sides, and its largest overlap
#: with the target.
FAR, MOST_OVERLAP = (0.6, 1.8), 0.15
#: The block whose output is the finer of the two planes.
FINE_BLOCK = 3
#: Share of the boxes around a target whose crop is changed, in each of three ways.
CHANGED = 0.3


@dataclass(frozen=True)
class Mix:
    """What a batch is made of.

    Attributes:
        sequences: sequences in a batch.
        around, negative: boxes around the target, and boxes away from it, of each.
        styled: share of the targets known by an ill-fitting box.
        swapped: share of the targets known by the box of another sequence.
    """

    sequences: int = 16
    around: int = 4
    negative: int = 1
    styled: float = 0.4
    swapped: float = 0.06


@dataclass(frozen=True)
class Views:
    """A sequence as the box head sees it, each frame also mirrored.

    Attributes:
        planes: the network's last planes (N, 112, 10, 10) for each box, float16.
        fine: its planes of stride 8 (N, 40, 20, 20), float16.
        boxes: the edges (N, 4) of the box in its crop, as shares of the crop's side.
        targets: the edges of the target in the same crop.
        mirrored: (N,), whether the frame is.
    """

    planes: torch.Tensor
    fine: torch.Tensor
    boxes: torch.Tensor
    targets: torch.Tensor
    mirrored: torch.Tensor

    @property
    def exact(self) -> torch.Tensor:
        """Which boxes are the target's own."""
        return (self.boxes == self.targets).all(1)

    @property
    def near(self) -> torch.Tensor:
        """Which boxes are around the target: neither its own nor negative ones."""
        return (overlaps(self.boxes, self.targets) > MOST_OVERLAP) & ~self.exact


def views(
    sequence: Sequence, tensors: dict[str, torch.Tensor], blocks: tuple[Block, ...], count: int, seed: int
) -> Views:
    """The target's own box, `count` boxes around it and a negative one, of each frame and of its mirror image.

    Some crops of boxes around the target are changed: in their colours, blurred, or partly hidden.
    """
    random = np.random.default_rng(seed)
    planes, fine, edges, mirrored = [], [], [], []
    for image, box, mirror in _frames(sequence):
        boxes = np.vstack([box, *(near(random, box) for _ in range(count)), far(random, box, image.size)])
        whole = np.hstack([boxes[:, :2] + boxes[:, 2:] / 2 * (1 - SIDE / CROP), boxes[:, 2:] * (SIDE / CROP)])
        crops = samples.crops(image, whole, SIDE)
        for place in range(1, count + 1):
            crops[place] = changed(random, crops[place], crops[-1], CHANGED)
        found = both_planes(tensors, blocks, network_input(crops, torch.float32))
        fine.append(found[0].half())
        planes.append(found[1].half())
        low, high = samples.covered(whole)
        edges.append(np.stack([_edges(boxes, low, high), _edges(np.tile(box, (len(boxes), 1)), low, high)]))
        mirrored += [mirror] * len(boxes)
    own, targets = torch.from_numpy(np.concatenate(edges, axis=1)).float()
    return Views(torch.cat(planes).contiguous(), torch.cat(fine).contiguous(), own, targets, torch.tensor(mirrored))


def _frames(sequence: Sequence) -> Iterator[tuple[Image.Image, Boxes, bool]]:
    """Every frame and its box, and both mirrored."""
    for path, box in zip(sequence.frames, sequence.boxes, strict=True):
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
        yield image, box, False
        mirrored = np.array([image.width - box[0] - box[2], *box[1:]])
        yield image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), mirrored, True


def near(random: np.random.Generator, box: Boxes) -> Boxes:
    """A box (4,) around another, wrong as a tracker's is."""

    def draw(spread: tuple[float, float], shape: int | None = None) -> np.ndarray:
        return np.clip(random.normal(0, spread[0], shape), -spread[1], spread[1])

    while True:
        centre = box[:2] + box[2:] / 2 + draw(TRANSLATION, 2) * box[2:].mean()
        scale, aspect = draw(SCALE), draw(ASPECT)
        sides = box[2:] * np.exp([scale + aspect, scale - aspect])
        found = np.concatenate([centre - sides / 2, sides])
        if samples.overlaps(found[None], box)[0] > LEAST_OVERLAP:
            return found


def far(random: np.random.Generator, box: Boxes, size: tuple[int, int]) -> Boxes:
    """A box (4,) away from another, its centre in a frame of (width, height) pixels; if all overlap, the farthest."""
    found, least = box, 1.0
    for _ in range(100):
        angle, distance = random.uniform(0, 2 * np.pi), random.uniform(*FAR) * box[2:].mean()
        centre = box[:2] + box[2:] / 2 + distance * np.array([np.cos(angle), np.sin(angle)])
        sides = box[2:] * np.exp(np.clip(random.normal(0, SCALE[0], 2), -SCALE[1], SCALE[1]))
        drawn = np.concatenate([np.clip(centre, 0, size) - sides / 2, sides])
        overlap = samples.overlaps(drawn[None], box)[0]
        if overlap < least:
            found, least = drawn, overlap
        if least < MOST_OVERLAP:
            break
    return found


def _edges(boxes: Boxes, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Left, top, right and bottom edge of boxes, as shares of the parts of the frame from `low` to `high`."""
    corners = np.stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    return ((corners - low[:, None]) / (high - low)[:, None]).reshape(-1, 4)


@torch.no_grad()
def both_planes(
    tensors: dict[str, torch.Tensor], blocks: tuple[Block, ...], crops: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The network's planes of stride 8 (N, 40, 20, 20) and its last (N, 112, 10, 10) for crops (N, 3, 160, 160)."""
    x = functional.relu6(stem(tensors, crops.contiguous(memory_format=torch.channels_last)))
    fine = x
    for index, shape in enumerate(blocks):
        x = block(tensors, index, shape, x)
        if index == FINE_BLOCK:
            fine = x
    return fine, x


class Batch(NamedTuple):
    """Boxes to train on.

    Attributes:
        planes: the network's last planes (N, 112, 10, 10) of their surroundings, and
        fine: those of stride 8 (N, 40, 20, 20).
        target: the last planes of the target in other frames, or of another target.
        edges: the edges to find (N, 4).
        shown: (N,), whether the target is that of `target`, and the box around it.
    """

    planes: torch.Tensor
    fine: torch.Tensor
    target: torch.Tensor
    edges: torch.Tensor
    shown: torch.Tensor


def batch(random: np.random.Generator, found: list[Views], plan: Mix) -> Batch:
    """Boxes around the targets of some sequences and negative ones, and the edges to find.

    A box need not fit what it is drawn around: VOT starts a tracker with boxes of many kinds. So a share of the
    targets is a box that is moved and resized against the target's own, and the edges to find are moved alike.
    """
    parts: list[Batch] = []
    for number in random.integers(len(found), size=plan.sequences):
        views, mirror = found[number], bool(random.integers(2))
        side, near, exact = views.mirrored == mirror, views.near, views.exact
        like = overlaps(views.boxes, views.targets) > LEAST_STYLE
        count = plan.around + plan.negative
        negative = side & ~near & ~exact
        negative = negative if negative.any() else side & near
        search = torch.cat([_drawn(random, side & near, plan.around), _drawn(random, negative, plan.negative)])
        own, other = _drawn(random, side & exact, count), _drawn(random, side & like, count)
        target = torch.where(torch.from_numpy(random.random(count) < plan.styled), other, own)
        truth, style = views.targets[search], _relative(views.boxes[target], views.targets[target])
        low, size = truth[:, :2].repeat(1, 2), (truth[:, 2:] - truth[:, :2]).repeat(1, 2)
        planes, fine = views.planes[search].float(), views.fine[search].float()
        parts.append(Batch(planes, fine, views.planes[target].float(), low + style * size, near[search]))
    all_ = Batch(*(torch.cat(part) for part in zip(*parts, strict=True)))
    swapped = torch.from_numpy(random.random(len(all_.shown)) < plan.swapped)
    if len(found) == 1 or plan.sequences == 1:
        return all_
    others = all_.target.roll(count * int(random.integers(1, plan.sequences)), 0)
    target = torch.where(swapped[:, None, None, None], others, all_.target)
    return all_._replace(target=target, shown=all_.shown & ~swapped)


def _drawn(random: np.random.Generator, which: torch.Tensor, count: int) -> torch.Tensor:
    places = which.nonzero().flatten()
    return places[torch.from_numpy(random.integers(len(places), size=count))]


def _relative(boxes: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The edges of boxes, in the sides of other boxes from their corner."""
    return (boxes - targets[:, :2].repeat(1, 2)) / (targets[:, 2:] - targets[:, :2]).repeat(1, 2)
