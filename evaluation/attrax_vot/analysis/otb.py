"""OTB's measures of one-pass runs.

As in OTB's own code, the first frame counts with its ground truth, a box is within a threshold of the overlap
only above it, and of the distance also at it. OTB annotates axis-aligned boxes: where ground truth is a polygon,
the smallest such box around it stands for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from vot.region import Polygon, Rectangle, Region, Special

# Pixels between centres within which a box is right.
DISTANCE = 20.0
# Overlaps over which success is averaged: 0, 0.05 .. 1.
OVERLAPS = np.arange(21) / 20
HALF = 0.5

# Frames x (left, top, width, height), in pixels; not numbers where there is no box.
Boxes = NDArray[np.float64]


@dataclass(frozen=True)
class Measures:
    """OTB's measures of a run.

    Attributes:
        precision: share of frames whose centre is at most 20 px off.
        success: mean, over 21 thresholds, of the share of frames with a larger overlap: the area under OTB's
            success plot. A perfect run has 20/21, because no overlap is larger than 1.
        success_half: share of frames with an overlap above 0.5.
        centre_error: mean distance of the centres, in pixels.
    """

    precision: float
    success: float
    success_half: float
    centre_error: float


def boxes(regions: Iterable[Region]) -> Boxes:
    """The axis-aligned boxes of regions."""
    return np.array([box(region) for region in regions], np.float64).reshape(-1, 4)


def box(region: Region) -> list[float]:
    """Left, top, width and height of a region, NaN where it is empty or a code.

    The toolkit's own conversion is not the same in every version.
    """
    if isinstance(region, Special) or region.is_empty():
        return [np.nan] * 4
    if isinstance(region, Rectangle):
        return [region.x, region.y, region.width, region.height]
    if isinstance(region, Polygon):
        corners = np.array([region[index] for index in range(region.size)])
        return [*corners.min(axis=0), *np.ptp(corners, axis=0)]
    left, top, right, bottom = region.bounds()
    return [left, top, right - left, bottom - top]


def measure(found: Boxes, truth: Boxes) -> Measures:
    """Measures a one-pass run.

    Frames without ground truth are left out. A frame without a box of the tracker is a miss, and has no distance.

    Args:
        found: the tracker's boxes; the first one is ignored.
        truth: ground truth, a box for each of `found`.
    """
    found = np.concatenate([truth[:1], found[1:]])
    known = (truth[:, 2] > 0) & (truth[:, 3] > 0)
    found, truth = found[known], truth[known]
    distance = np.hypot(*(found[:, :2] + found[:, 2:] / 2 - truth[:, :2] - truth[:, 2:] / 2).T)
    overlap = overlaps(found, truth)
    if not len(truth):
        return Measures(np.nan, np.nan, np.nan, np.nan)
    there = ~np.isnan(distance)
    return Measures(
        precision=float(np.mean(distance <= DISTANCE)),
        success=float(np.mean(overlap[:, None] > OVERLAPS)),
        success_half=float(np.mean(overlap > HALF)),
        centre_error=float(np.mean(distance[there])) if there.any() else np.nan,
    )


def overlaps(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Intersection over union of each pair of boxes; 0 where there is no box."""
    low = np.maximum(first[:, :2], second[:, :2])
    high = np.minimum(first[:, :2] + first[:, 2:], second[:, :2] + second[:, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=1)
    union = np.prod(first[:, 2:], axis=1) + np.prod(second[:, 2:], axis=1) - common
    with np.errstate(invalid="ignore", divide="ignore"):
        # Of equal boxes, rounding can make the ratio a little more than 1.
        return np.minimum(np.nan_to_num(common / union), 1.0)
