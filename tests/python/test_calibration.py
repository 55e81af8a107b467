"""`attrax-vot calibrate`: the curve that made the outcomes is found again; where there are no results, it says so."""

from pathlib import Path

import numpy as np
import pytest

from attrax_vot.analysis.calibration import Curve, Frames, fit, left_out, quality
from attrax_vot.cli import main


def drawn(curve: Curve, count: int, seed: int) -> Frames:
    random = np.random.default_rng(seed)
    scores = random.normal(1.0, 2.0, count)
    return Frames(f"s{seed}", scores, (random.uniform(size=count) < curve.at(scores)).astype(float))


def test_the_curve_behind_outcomes_is_found() -> None:
    curve = Curve(-0.7, 1.3)
    frames = [drawn(curve, 4000, seed) for seed in range(4)]
    found = fit(frames)
    assert found.offset == pytest.approx(curve.offset, abs=0.1)
    assert found.slope == pytest.approx(curve.slope, abs=0.1)
    assert left_out(frames).error < 0.02


def test_sequences_count_alike_however_long_they_are() -> None:
    always, never = np.zeros(1000), np.zeros(10)
    found = fit([Frames("long", always, always + 1), Frames("short", never, never)])
    assert found.at(np.zeros(1))[0] == pytest.approx(0.5, abs=0.01)


def test_scores_that_part_right_from_wrong_give_a_finite_curve() -> None:
    scores = np.array([-2.0, -1.0, 1.0, 2.0])
    found = fit([Frames("a", scores, (scores > 0).astype(float))])
    assert np.isfinite([found.offset, found.slope]).all()
    assert (found.at(scores) > 0.5).tolist() == [False, False, True, True]


def test_certain_and_wrong_is_the_worst() -> None:
    wrong = quality(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    assert (wrong.brier, wrong.error) == (1.0, 1.0)
    assert quality(np.array([0.5, 0.5]), np.array([0.0, 1.0])).error == 0.0


def test_a_workspace_without_results_is_refused(demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "space"), "--dataset", str(demo), "--experiments", "baseline"]) == 0
    assert main(["calibrate", str(tmp_path / "space"), "DAT"]) == 1
    assert "two are the least" in capsys.readouterr().err
