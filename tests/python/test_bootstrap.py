"""Intervals by bootstrap: what is drawn, and what becomes of it."""

import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import bootstrap

from attrax_vot.analysis.bootstrap import SEED, Resamples, RowWeights


def mean(values: np.ndarray) -> Callable[[RowWeights], float]:
    return lambda weights: float(weights @ values / weights.sum())


def test_resamples_draw_clusters_and_units_within_them():
    """As seeds of sequences are drawn: each sequence weighs 1."""
    keys = [("a", 1), ("a", 2), ("b", 1), ("c", 1), ("c", 2), ("c", 3)]
    weights = np.array([1 / 2, 1 / 2, 1, 1 / 3, 1 / 3, 1 / 3])
    resamples = Resamples.of(keys, weights, 4000)
    drawn = resamples.drawn
    by_cluster = np.array([drawn[:, :2].sum(1), drawn[:, 2], drawn[:, 3:].sum(1)])
    assert by_cluster == pytest.approx(np.round(by_cluster)) and by_cluster.sum(0) == pytest.approx(3)
    assert drawn.mean(0) == pytest.approx(weights, abs=0.05)
    # Among those with one draw of `a`, its first seed counts not at all, half or whole in 1, 2 and
    # 1 of four.
    once = drawn[by_cluster[0].round() == 1, 0]
    counts = [np.mean(once == value) for value in (0, 0.5, 1)]
    assert counts == pytest.approx([0.25, 0.5, 0.25], abs=0.05)
    assert np.array_equal(drawn[:9], Resamples.of(keys, weights, 9).drawn)
    assert np.array_equal(resamples.without > 0, [[0, 0, 1, 1, 1, 1], [1, 1, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0]])


def test_rows_of_a_unit_are_drawn_together():
    """As windows of sequences are drawn: each window weighs 1, and its seeds share that."""
    keys = [("a", 0, 1), ("a", 0, 2), ("a", 10, 1), ("b", 0, 1)]
    weights = np.array([0.5, 0.5, 1, 1])
    drawn = Resamples.of(keys, weights, 4000).drawn
    assert np.array_equal(drawn[:, 0], drawn[:, 1])
    # As many windows of a sequence are drawn as it has, each time that the sequence is.
    assert set((drawn[:, :3].sum(1) / 2).round(6)) == {0, 1, 2} and set(drawn[:, 3]) == {0, 1, 2}
    assert drawn.mean(0) == pytest.approx(weights, abs=0.05)


@pytest.mark.parametrize("number", [8, 15, 60])
def test_with_one_unit_each_the_interval_is_scipys(number: int):
    source = np.random.default_rng(number)
    # Skewed, so that both corrections count.
    values, counts = source.exponential(size=number) ** 2, source.integers(1, 9, number).astype(float)
    weights = np.ones(number)

    def ratio(rows: RowWeights) -> float:
        return float(rows @ (values * counts) / (rows @ counts))

    found = Resamples.of([(index, 0) for index in range(number)], weights, 1000).estimate(ratio)
    theirs = bootstrap(
        (np.arange(number),), lambda drawn: ratio(np.bincount(drawn, minlength=number)), n_resamples=1000,
        vectorized=False, method="BCa", rng=np.random.default_rng(SEED),
    )  # fmt: skip
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval), abs=1e-12)
    assert np.percentile(theirs.bootstrap_distribution, 97.5) != pytest.approx(found.high, rel=0.01)
    assert found.share == 1


def test_an_interval_of_the_percentiles_where_some_resamples_have_no_value():
    keys = [(index, 0) for index in range(6)]
    values = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 9.0])

    def lacking(weights: RowWeights) -> float:
        return float(weights @ values) if weights[0] else math.nan

    resamples = Resamples.of(keys, np.ones(6), 500)
    found = resamples.estimate(lacking)
    known = [weights @ values for weights in resamples.drawn if weights[0]]
    assert found.share == len(known) / 500 == pytest.approx(1 - (5 / 6) ** 6, abs=0.05)
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(known, [2.5, 97.5])))
    # A value in every resample, and none without the first cluster: no acceleration can be had.
    found = resamples.estimate(lambda weights: math.nan if weights.sum() == 5 and not weights[0] else weights @ values)
    drawn = resamples.drawn @ values
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])))


def test_where_there_is_no_interval():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        alone = Resamples.of([("a", 0), ("a", 10)], np.ones(2)).estimate(mean(np.array([0.1, 0.3])))
        assert alone.value == pytest.approx(0.2) and math.isnan(alone.low) and math.isnan(alone.high)
        two = Resamples.of([("a", 0), ("b", 0)], np.ones(2), 100)
        nowhere = two.estimate(lambda _: math.nan)
        assert math.isnan(nowhere.low) and nowhere.share == 0
        always = two.estimate(lambda _: 0.25)
        assert (always.value, always.low, always.high, always.share) == (0.25, 0.25, 0.25, 1)
        # Each cluster tells the same, and windows within them do not: nothing to accelerate.
        equal = Resamples.of([(each, start) for each in "abc" for start in (0, 1)], np.ones(6), 400)
        found = equal.estimate(mean(np.array([0.0, 1.0] * 3)))
        assert found.low < found.value == 0.5 < found.high
