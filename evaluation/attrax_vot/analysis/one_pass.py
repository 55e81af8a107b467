"""One-pass measures of a tracker over a dataset, as OTB's and GOT-10k's authors define them.

OTB averages over sequences, with the first frame; GOT-10k over all frames but the first ones, with boxes cut off at the
frame's edges.
"""

from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from attrax_vot.analysis import otb
from attrax_vot.analysis.otb import Boxes, Measures
from attrax_vot.analysis.runs import Run

# Pixels of OTB's precision plot.
DISTANCES = np.arange(51)


@dataclass(frozen=True)
class OnePass:
    """A tracker's one-pass results.

    Attributes:
        tracker: its reference.
        label: what it is called.
        rows: OTB's measures by the name of each sequence that it has ended.
        total: their means over sequences.
        average_overlap: GOT-10k's AO.
        success_rates: GOT-10k's SR: the shares of frames with an overlap above 0.5 and above 0.75.
        success: OTB's success plot, over `otb.OVERLAPS`.
        precision: OTB's precision plot, over `DISTANCES`.
    """

    tracker: str
    label: str
    rows: dict[str, Measures]
    total: Measures
    average_overlap: float
    success_rates: tuple[float, float]
    success: list[float]
    precision: list[float]


def score(run: Run) -> OnePass | None:
    """Measures a tracker on the sequences that it has ended; nothing where there are none."""
    rows, overlaps, curves = {}, [], []
    for sequence in run.ended:
        regions = run.trajectory(sequence, run.repetitions(sequence)[0].index).regions()
        truth = otb.boxes(sequence.groundtruth())
        # The toolkit notes an initialisation without a region; a box is what comes of one.
        boxes = otb.boxes(regions)
        boxes[0] = truth[0]
        rows[sequence.name] = otb.measure(boxes, truth)
        overlaps.append(got10k_overlaps(boxes, truth, sequence.size))
        curves.append(plots(boxes, truth))
    if not rows:
        return None
    every = np.concatenate(overlaps)
    total = Measures(*(fmean(values) for values in zip(*(vars(row).values() for row in rows.values()), strict=True)))
    success, precision = (np.mean(each, axis=0) for each in zip(*curves, strict=True))
    return OnePass(
        run.reference,
        run.tracker.label,
        rows,
        total,
        float(every.mean()) if every.size else np.nan,
        (float(np.mean(every > 0.5)), float(np.mean(every > 0.75))) if every.size else (np.nan, np.nan),
        success.tolist(),
        precision.tolist(),
    )


def plots(found: Boxes, truth: Boxes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """OTB's success and precision plots of a run whose first box is the ground truth."""
    known = (truth[:, 2] > 0) & (truth[:, 3] > 0)
    found, truth = found[known], truth[known]
    overlap = otb.overlaps(found, truth)
    distance = np.hypot(*(found[:, :2] + found[:, 2:] / 2 - truth[:, :2] - truth[:, 2:] / 2).T)
    return np.mean(overlap[:, None] > otb.OVERLAPS, axis=0), np.mean(distance[:, None] <= DISTANCES, axis=0)


def got10k_overlaps(found: Boxes, truth: Boxes, size: tuple[int, int]) -> NDArray[np.float64]:
    """Overlaps as GOT-10k counts them: without the first frame and those without a visible target.

    Args:
        found: the tracker's boxes; a missing one overlaps nothing.
        truth: ground truth, as many.
        size: width and height of the frames, at whose edges both are cut off.
    """
    found, truth = found[1:], truth[1:]
    known = (truth[:, 2] > 0) & (truth[:, 3] > 0)
    return otb.overlaps(_within(found[known], size), _within(truth[known], size))


def _within(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """Cuts boxes off at the frame's edges; one that begins before the frame is moved into it, as in GOT-10k's code."""
    corner = np.clip(boxes[:, :2], 0, size)
    return np.hstack([corner, np.clip(boxes[:, 2:], 0, size - corner)])
