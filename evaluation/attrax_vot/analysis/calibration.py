"""How likely a tracker is right when it says how sure it is: a logistic curve fitted to its results (Platt, 1999)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from vot.region import Special
from vot.tracker import Trajectory

from attrax_vot.analysis import results
from attrax_vot.analysis.runs import Run

if TYPE_CHECKING:
    from vot.dataset import Sequence

# A box is right from this overlap with the ground truth on, as in OTB's success.
RIGHT = 0.5
# Groups of frames, by what is predicted of them, that predictions are compared with outcomes in.
GROUPS = 10
# Keeps the curve finite where scores part right from wrong altogether; small next to hundreds of
# frames.
RIDGE = 1e-3

Numbers = np.ndarray


@dataclass(frozen=True)
class Frames:
    """Frames of a sequence with a confidence: the confidences, and whether each box was right (0 or 1)."""

    sequence: str
    scores: Numbers
    right: Numbers


@dataclass(frozen=True)
class Curve:
    """The probability that a box is right is the logistic function of `offset + slope * score`."""

    offset: float
    slope: float

    def at(self, scores: Numbers) -> Numbers:
        """Probabilities."""
        return 1 / (1 + np.exp(-np.clip(self.offset + self.slope * scores, -500, 500)))


@dataclass(frozen=True)
class Quality:
    """How good predictions are: their mean squared error (Brier), and how far alike ones are from the outcome."""

    brier: float
    error: float


def read(run: Run, sequence: "Sequence", *, bounded: bool) -> Frames:
    """The frames of all repetitions on a sequence for which the tracker reported a confidence."""
    scores: list[float] = []
    right: list[bool] = []
    for repetition in run.repetitions(sequence):
        trace = results.trace(run, sequence, repetition.index, bounded=bounded)
        for region, overlap, score in zip(trace.regions, trace.overlaps, trace.scores, strict=True):
            failed = isinstance(region, Special) and region.code == Trajectory.FAILURE
            if score is not None and (failed or not isinstance(region, Special)):
                scores.append(score)
                right.append(not failed and overlap >= RIGHT)
    return Frames(sequence.name, np.array(scores), np.array(right, float))


def joined(frames: list[Frames]) -> list[Frames]:
    """One of each sequence, those without any frame left out."""
    names = list(dict.fromkeys(each.sequence for each in frames))
    parts = [[each for each in frames if each.sequence == name] for name in names]
    wholes = [
        Frames(of[0].sequence, np.concatenate([p.scores for p in of]), np.concatenate([p.right for p in of]))
        for of in parts
    ]
    return [whole for whole in wholes if len(whole.scores)]


def fit(frames: list[Frames]) -> Curve:
    """The most likely curve, by Newton's method; each sequence has the same weight."""
    scores = np.concatenate([each.scores for each in frames])
    right = np.concatenate([each.right for each in frames])
    weights = np.concatenate([np.full(len(each.scores), 1 / max(len(each.scores), 1)) for each in frames])
    design = np.stack([np.ones_like(scores), scores], axis=1)
    parameters = np.zeros(2)
    for _ in range(50):
        found = Curve(*parameters).at(scores)
        gradient = design.T @ (weights * (found - right)) + RIDGE * parameters
        curvature = (design.T * (weights * found * (1 - found))) @ design + RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        parameters -= step
        if np.abs(step).max() < 1e-9:
            break
    return Curve(float(parameters[0]), float(parameters[1]))


def quality(predicted: Numbers, right: Numbers) -> Quality:
    """How good predictions are."""
    groups = np.minimum((predicted * GROUPS).astype(int), GROUPS - 1)
    apart = [abs(predicted[groups == group].sum() - right[groups == group].sum()) for group in range(GROUPS)]
    return Quality(float(np.mean((predicted - right) ** 2)), float(sum(apart) / len(right)))


def left_out(frames: list[Frames]) -> Quality:
    """How good predictions are on sequences that the curve was not fitted to: each is left out in turn."""
    predicted = [fit([other for other in frames if other is not each]).at(each.scores) for each in frames]
    return quality(np.concatenate(predicted), np.concatenate([each.right for each in frames]))
