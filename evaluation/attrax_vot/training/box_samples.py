"""What the box head learns from: planes of the surroundings of boxes around targets, in annotated frames."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageOps
from torch.nn import functional

from attrax_vot.training import samples
from attrax_vot.training.box_head import SIDE, overlaps
from attrax_vot.training.samples import Boxes, Sequence
from attrax_vot.weights.embed_efficientnet import BLOCKS, CROP, block, network_input, stem

#: Deviations of the boxes around a target, and their bounds: translation in mean sides, logarithms of scale and of
#: proportions. A tracker's errors are of this kind.
TRANSLATION, SCALE, ASPECT = (0.13, 0.4), (0.16, 0.45), (0.13, 0.35)
#: Overlaps that such a box has at least with the target, and that it has to be another view of what the target is.
LEAST_OVERLAP, LEAST_STYLE = 0.3, 0.6


@dataclass(frozen=True)
class Views:
    """A sequence as the box head sees it, each frame also mirrored.

    Attributes:
        planes: the network's last planes (N, 112, 10, 10) for each box, float16.
        boxes: the edges (N, 4) of the box in its crop, as shares of the crop's side.
        targets: the edges of the target in the same crop.
        mirrored: (N,), whether the frame is.
    """

    planes: torch.Tensor
    boxes: torch.Tensor
    targets: torch.Tensor
    mirrored: torch.Tensor

    @property
    def exact(self) -> torch.Tensor:
        """Which boxes are the target's own."""
        return (self.boxes == self.targets).all(1)


def views(sequence: Sequence, tensors: dict[str, torch.Tensor], count: int, seed: int) -> Views:
    """The target's own box and `count` boxes around it, of each frame and of its mirror image."""
    random = np.random.default_rng(seed)
    planes, edges, mirrored = [], [], []
    for image, box, mirror in _frames(sequence):
        boxes = np.vstack([box, *(near(random, box) for _ in range(count))])
        whole = np.hstack([boxes[:, :2] + boxes[:, 2:] / 2 * (1 - SIDE / CROP), boxes[:, 2:] * (SIDE / CROP)])
        crops = samples.crops(image, whole, SIDE)
        planes.append(last_planes(tensors, network_input(crops, torch.float32)).half())
        low, high = samples.covered(whole)
        edges.append(np.stack([_edges(boxes, low, high), _edges(np.tile(box, (len(boxes), 1)), low, high)]))
        mirrored += [mirror] * len(boxes)
    own, targets = torch.from_numpy(np.concatenate(edges, axis=1)).float()
    return Views(torch.cat(planes), own, targets, torch.tensor(mirrored))


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


def _edges(boxes: Boxes, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Left, top, right and bottom edge of boxes, as shares of the parts of the frame from `low` to `high`."""
    corners = np.stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    return ((corners - low[:, None]) / (high - low)[:, None]).reshape(-1, 4)


@torch.no_grad()
def last_planes(tensors: dict[str, torch.Tensor], crops: torch.Tensor) -> torch.Tensor:
    """The network's output for crops (N, 3, 160, 160), before the pooling: (N, 112, 10, 10)."""
    x = functional.relu6(stem(tensors, crops.contiguous(memory_format=torch.channels_last)))
    for index in range(len(BLOCKS)):
        x = block(tensors, index, x)
    return x


def batch(
    random: np.random.Generator, found: list[Views], sequences: int, each: int, styled: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Planes of `each` boxes of some sequences, planes of the target in other frames, and the edges to find.

    A box need not fit what it is drawn around: VOT starts a tracker with boxes of many kinds. So a share `styled` of
    the targets is a box that is moved and resized against the target's own, and the edges to find are moved alike.
    """
    parts: list[tuple[torch.Tensor, ...]] = []
    for number in random.integers(len(found), size=sequences):
        views, mirror = found[number], bool(random.integers(2))
        side = views.mirrored == mirror
        exact = views.exact
        like = overlaps(views.boxes, views.targets) > LEAST_STYLE
        places = [_drawn(random, side & ~exact, each)]
        own, other = _drawn(random, side & exact, each), _drawn(random, side & like, each)
        places.append(torch.where(torch.from_numpy(random.random(each) < styled), other, own))
        search, target = places
        truth, style = views.targets[search], _relative(views.boxes[target], views.targets[target])
        low, size = truth[:, :2].repeat(1, 2), (truth[:, 2:] - truth[:, :2]).repeat(1, 2)
        parts.append((views.planes[search].float(), views.planes[target].float(), low + style * size))
    planes, targets, edges = (torch.cat(part) for part in zip(*parts, strict=True))
    return planes, targets, edges


def _drawn(random: np.random.Generator, which: torch.Tensor, count: int) -> torch.Tensor:
    places = which.nonzero().flatten()
    return places[torch.from_numpy(random.integers(len(places), size=count))]


def _relative(boxes: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The edges of boxes, in the sides of other boxes from their corner."""
    return (boxes - targets[:, :2].repeat(1, 2)) / (targets[:, 2:] - targets[:, :2]).repeat(1, 2)
