"""The paired differences of two arms: of the sequences, windows and seeds that both have."""

from collections.abc import Callable
from typing import Any, Protocol

from attrax_vot.analysis.bootstrap import ROUNDS, IntervalEstimate, Resamples, RowWeights

#: Sequence, window or seed within it, and what else there is.
Key = tuple[Any, ...]


class Measured(Protocol):
    """Runs of an arm, each with a key."""

    @property
    def keys(self) -> list[Key]:
        """Of each run: its sequence, what is drawn within it, and more."""

    @property
    def weights(self) -> RowWeights:
        """Of each run, in the measures."""

    def only(self, keys: list[Key]) -> "Measured":
        """The runs with these keys, in their order."""

    def measures(self) -> dict[str, Callable[[RowWeights], float]]:
        """The measures by name, as functions of the weight of each run."""


def differences(
    first: Measured, other: Measured, rounds: int = ROUNDS
) -> tuple[list[Key], dict[str, IntervalEstimate]]:
    """Every measure of `other` less that of `first`, with both arms in the same resamples.

    Returns:
        The keys of the runs that both have, and the differences by the measures' names; none where there are no such
        runs.
    """
    theirs = set(other.keys)
    both = [key for key in first.keys if key in theirs]
    if not both:
        return [], {}
    mine, others = first.only(both).measures(), other.only(both).measures()
    resamples = Resamples.of(both, first.only(both).weights, rounds)

    def less(name: str) -> Callable[[RowWeights], float]:
        return lambda weights: others[name](weights) - mine[name](weights)

    return both, {name: resamples.estimate(less(name)) for name in others}
