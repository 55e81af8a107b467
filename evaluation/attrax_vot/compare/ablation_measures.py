"""The measures of an ablation, over seeds."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, stdev

from attrax_vot.compare.ablation import ALL, Ablation
from attrax_vot.compare.columns import MeasureColumn

COLUMNS = [
    MeasureColumn("precision", "DP at 20 px", 3),
    MeasureColumn("success", "OS (AUC)", 3),
    MeasureColumn("success_half", "OS at 0.5", 3),
    MeasureColumn("centre_error", "centre error, px", 1, better="down"),
    MeasureColumn("accuracy", "A", 3),
    MeasureColumn("failures", "failures", 1, better="down"),
    MeasureColumn("eao", "EAO", 3),
    MeasureColumn("seconds_per_frame", "s/frame", 2, better=""),
]


@dataclass(frozen=True)
class Spread:
    """A measure over seeds.

    Attributes:
        mean: of them; not a number where there is none.
        spread: half the range of two, the standard deviation of more; not a number of fewer.
        count: how many.
    """

    mean: float
    spread: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """The spread of those values that are numbers."""
        known = [value for value in values if not math.isnan(value)]
        width = math.nan
        if len(known) == 2:
            width = abs(known[0] - known[1]) / 2
        elif len(known) > 2:
            width = stdev(known)
        return cls(fmean(known) if known else math.nan, width, len(known))

    def text(self, digits: int, sign: str = "") -> str:
        """As a table has it; `sign` is `+` where a plus is to be written."""
        if not self.count:
            return "-"
        value = f"{self.mean:{sign}.{digits}f}"
        return value if math.isnan(self.spread) else f"{value} ± {self.spread:.{digits}f}"


def by_seed(found: Ablation, variant: str, column: MeasureColumn, sequence: str = ALL) -> dict[int, float]:
    """A measure of a variant on a sequence, or on all of them, for each seed that has it."""
    values = {
        row.seed: getattr(row, column.name) for row in found.rows if row.variant == variant and row.sequence == sequence
    }
    return {seed: value for seed, value in values.items() if not math.isnan(value)}


def over_seeds(found: Ablation, variant: str, column: MeasureColumn, sequence: str = ALL) -> Spread:
    """A measure of a variant over its seeds."""
    return Spread.of(by_seed(found, variant, column, sequence).values())


def difference(found: Ablation, variant: str, other: str, column: MeasureColumn) -> Spread:
    """A measure of a variant less that of another one, over the seeds that both have."""
    ours, theirs = (by_seed(found, name, column) for name in (variant, other))
    return Spread.of(ours[seed] - theirs[seed] for seed in ours if seed in theirs)
