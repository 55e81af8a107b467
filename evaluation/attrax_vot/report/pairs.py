"""Differences of expected average overlap: of all pairs of trackers, or of many trackers to the best."""

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from attrax_vot.analysis import scores, significance
from attrax_vot.analysis.significance import Difference, Parts

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.experiment.multirun import SupervisedExperiment
    from vot.tracker import Tracker

# Trackers of which all pairs are compared; of more, each is compared to the best.
ALL_PAIRS = 4


def differences(
    experiment: "SupervisedExperiment", trackers: list["Tracker"], ended: dict[str, list["Sequence"]]
) -> list[Difference]:
    """Compares trackers on the sequences that both of a pair have ended.

    Args:
        experiment: whose results.
        trackers: the best first.
        ended: the sequences that each has ended.
    """
    bounded, interval = scores.bounded(experiment), scores.interval(experiment)
    parts = {
        each.reference: significance.parts(experiment, each, ended[each.reference], bounded=bounded)
        for each in trackers
    }
    first, *others = (each.reference for each in trackers)
    pairs = combinations([first, *others], 2) if len(trackers) <= ALL_PAIRS else ((first, each) for each in others)
    found = []
    for one, other in pairs:
        names = [[each.name for each in ended[reference]] for reference in (one, other)]
        both = [name for name in names[0] if name in names[1]]
        if both:
            taken = [
                _rows(parts[each], [mine.index(name) for name in both])
                for each, mine in zip((one, other), names, strict=True)
            ]
            found.append(significance.compare((one, other), (taken[0], taken[1]), interval))
    return found


def _rows(part: Parts, rows: list[int]) -> Parts:
    """The parts of some sequences."""
    index = np.array(rows)
    return Parts(part.sums[index], part.counts[index], part.longest[index])
