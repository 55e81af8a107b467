"""Differences of expected average overlap: of all pairs of trackers, or of many trackers to the best."""

from itertools import combinations

import numpy as np

from attrax_vot.analysis import scores, significance
from attrax_vot.analysis.runs import Run
from attrax_vot.analysis.significance import Difference, Parts

# Trackers of which all pairs are compared; of more, each is compared to the best.
ALL_PAIRS = 4


def differences(runs: list[Run]) -> list[Difference]:
    """Compares trackers on the sequences that both of a pair have ended.

    Args:
        runs: in the supervised experiment, the best first.
    """
    bounded, interval = scores.bounded(runs[0].experiment), scores.interval(runs[0].experiment)
    ended = {each.reference: each.ended for each in runs}
    parts = {each.reference: significance.parts(each.on(each.ended), bounded=bounded) for each in runs}
    first, *others = ended
    pairs = combinations([first, *others], 2) if len(runs) <= ALL_PAIRS else ((first, each) for each in others)
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
