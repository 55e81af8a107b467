"""Measures as columns of a table, and their differences as its cells."""

import math
from dataclasses import dataclass

from attrax_vot.analysis.bootstrap import IntervalEstimate


@dataclass(frozen=True)
class MeasureColumn:
    """A measure as a column.

    Attributes:
        name: of the measure.
        head: of the column.
        digits: after the point.
        factor: that values are multiplied by.
        better: where it is better: `up`, `down`, or nothing where it is no matter of quality.
    """

    name: str
    head: str
    digits: int
    factor: float = 1.0
    better: str = "up"

    def number(self, value: float, sign: str = "") -> str:
        """A value; `sign` is `+` where a plus is to be written."""
        return "-" if math.isnan(value) else f"{value * self.factor:{sign}.{self.digits}f}"

    def difference(self, found: IntervalEstimate | None) -> str:
        """A difference with its interval, and the share of the resamples that it is of where some have no value."""
        if found is None or math.isnan(found.value):
            return "-"
        text = self.number(found.value, "+")
        if not math.isnan(found.low):
            text += f" [{self.number(found.low, '+')}, {self.number(found.high, '+')}]"
            text += f" ({100 * found.share:.0f} % of draws)" if found.share < 1 else ""
        return text
