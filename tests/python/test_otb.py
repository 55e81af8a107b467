"""OTB's measures against a second implementation, and against the toolkit's."""

import math
from pathlib import Path

import numpy as np
import pytest
from vot.region import Polygon, Rectangle, Special, calculate_overlaps

from attrax_vot.analysis import otb


def second_opinion(found: list[tuple[float, ...]], truth: list[tuple[float, ...]]) -> tuple[float, float, float, float]:
    """The four measures from their definition, a frame and a threshold at a time; both start with the first box."""
    distances, ratios = [], []
    for (x, y, w, h), (tx, ty, tw, th) in zip(found, truth, strict=True):
        distances.append(math.sqrt((x + w / 2 - tx - tw / 2) ** 2 + (y + h / 2 - ty - th / 2) ** 2))
        across = min(x + w, tx + tw) - max(x, tx)
        down = min(y + h, ty + th) - max(y, ty)
        shared = across * down if across > 0 and down > 0 else 0.0
        ratios.append(shared / (w * h + tw * th - shared))
    count = len(truth)
    curve = [sum(ratio > step * 0.05 + 1e-12 for ratio in ratios) / count for step in range(21)]
    return (
        sum(distance <= 20 for distance in distances) / count,
        sum(curve) / 21,
        sum(ratio > 0.5 for ratio in ratios) / count,
        sum(distances) / count,
    )


def astray(truth: np.ndarray, seed: int) -> np.ndarray:
    """Boxes that wander off the ground truth and change their size."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 2, (len(truth), 2)), axis=0)
    sizes = truth[:, 2:] * np.exp(np.cumsum(rng.normal(0, 0.02, (len(truth), 2)), axis=0))
    found = np.hstack([truth[:, :2] + walk, sizes])
    found[0] = truth[0]
    return found


def agree(found: np.ndarray, truth: np.ndarray) -> otb.Measures:
    measured = otb.measure(found, truth)
    expected = second_opinion([tuple(row) for row in found], [tuple(row) for row in truth])
    values = (measured.precision, measured.success, measured.success_half, measured.centre_error)
    assert values == pytest.approx(expected, abs=1e-12)
    return measured


@pytest.mark.parametrize("seed", range(5))
def test_measures_agree_with_a_second_implementation(seed: int):
    rng = np.random.default_rng(100 + seed)
    truth = np.hstack([rng.uniform(0, 300, (200, 2)), rng.uniform(15, 90, (200, 2))])
    measured = agree(astray(truth, seed), truth)
    assert 0 < measured.precision < 1 and 0 < measured.success < 20 / 21


@pytest.mark.parametrize("name", ["DragonBaby", "Crossing"])
def test_on_otbs_own_ground_truth(shared: Path, name: str):
    lines = (shared / "otb" / name / "groundtruth_rect.txt").read_text().replace(",", " ").splitlines()
    truth = np.array([[float(value) for value in line.split()] for line in lines])
    agree(astray(truth, 7), truth)


def test_overlaps_of_whole_pixels_are_the_toolkits():
    """The toolkit counts pixels: on boxes of whole pixels it must come to the same."""
    rng = np.random.default_rng(3)
    first, second = (np.hstack([rng.integers(0, 40, (300, 2)), rng.integers(1, 40, (300, 2))]) for _ in range(2))
    theirs = calculate_overlaps([Rectangle(*row) for row in first], [Rectangle(*row) for row in second])
    ours = otb.overlaps(first.astype(float), second.astype(float))
    assert ours == pytest.approx(np.array(theirs), abs=1e-6)
    assert 0 in ours and ours.max() > 0.5


def test_the_edges_of_the_thresholds():
    truth = np.tile([0.0, 0.0, 100.0, 100.0], (3, 1))
    perfect = otb.measure(truth.copy(), truth)
    # No overlap is larger than 1, the last of the thresholds.
    assert (perfect.precision, perfect.success, perfect.success_half) == (1, pytest.approx(20 / 21), 1)
    # Exactly 20 pixels off counts; an overlap of exactly 0.5 does not.
    shifted = otb.measure(truth + np.array([20, 0, 0, 0]), truth)
    assert (shifted.precision, shifted.centre_error) == (1, pytest.approx(40 / 3))
    halved = otb.measure(truth * [1, 1, 0.5, 1], truth)
    assert halved.success_half == pytest.approx(1 / 3)


def test_regions_become_boxes():
    found = otb.boxes([Polygon([(3, 1), (9, 4), (6, 11), (0, 8)]), Rectangle(1, 2, 3, 4), Special(0)])
    assert found[:2].tolist() == [[0, 1, 9, 10], [1, 2, 3, 4]]
    assert np.isnan(found[2]).all()


def test_what_is_not_there():
    truth = np.array([[0, 0, 10, 10], [np.nan] * 4, [0, 0, 10, 10], [0, 0, 10, 10]], float)
    found = np.array([[5, 5, 1, 1], [0, 0, 10, 10], [np.nan] * 4, [0, 0, 10, 10]], float)
    measured = otb.measure(found, truth)
    # The first frame counts as right, the second not at all, the third is a miss.
    assert measured.precision == pytest.approx(2 / 3)
    assert measured.success_half == pytest.approx(2 / 3)
    assert measured.centre_error == 0
