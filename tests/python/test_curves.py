"""Curves over the training on first frames, logged by the real tracker."""

import csv
import shlex
from pathlib import Path

import pytest
from conftest import PROJECT, shorten

from attrax_vot.cli import main
from attrax_vot.compare import curves
from attrax_vot.compare.curves import Point

ATTRAX = PROJECT / "out" / "bin" / "attrax"
QUICK = f"--config {shlex.quote(str(PROJECT / 'tests' / 'data' / 'quick.toml'))}"
EVERY = f"{QUICK} --seed 1 --set initial_training.iterations=3 --set attention.interval=1"


def test_the_table_has_means_over_sequences():
    points = [
        Point("one", name, iteration, 10.0 * iteration, value, 0.5 + value / 10)
        for name, value in (("a", 4.0), ("b", 2.0))
        for iteration in (1, 2)
    ]
    assert curves.table(points) == [
        ["arm", "R at 1", "R at 2", "cross-entropy at 1", "cross-entropy at 2", "attention inside"],
        ["one", "3.00", "3.00", "10.00", "20.00", "0.800"],
    ]


@pytest.mark.skipif(not ATTRAX.is_file(), reason="needs `make build`")
def test_every_regularised_iteration_is_read(demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    dataset = shorten(demo, tmp_path / "data", {"turning": 2, "twins": 2})
    arms = ["--arm", f"weak={EVERY} --lambda 1e-6", "--arm", f"strong={EVERY} --lambda 50"]
    assert main(["curves", str(tmp_path / "out"), "--dataset", str(dataset), *arms, "--jobs", "2"]) == 0
    assert "| arm | R at 1 | R at 3 | cross-entropy at 1 |" in capsys.readouterr().out
    picture = (tmp_path / "out" / "curves.svg").read_text()
    assert "<svg" in picture and "weak" in picture and "strong" in picture
    rows = list(csv.DictReader((tmp_path / "out" / "curves.csv").open()))
    assert len(rows) == 2 * 2 * 3
    weak, strong = ([row for row in rows if row["arm"] == name] for name in ("weak", "strong"))
    # The same first mini-batch; what follows differs by the weight of the regulariser.
    for one, other in zip(weak, strong, strict=True):
        assert (one["regulariser"] == other["regulariser"]) == (one["iteration"] == "1")
    assert all(0 < float(row["attention_inside"]) < 1 for row in rows)


@pytest.mark.skipif(not ATTRAX.is_file(), reason="needs `make build`")
def test_an_arm_without_a_regulariser_and_a_wrong_flag_are_reported(demo: Path, tmp_path: Path, capsys):
    dataset = shorten(demo, tmp_path / "data", {"turning": 2})
    given = ["curves", str(tmp_path / "out"), "--dataset", str(dataset), "--arm"]
    assert main([*given, f"none={QUICK} --lambda 0"]) == 1
    assert "arm none: no iteration is regularised" in capsys.readouterr().err
    assert main([*given, "wrong=--nothing"]) == 1
    assert "arm wrong, turning: " in capsys.readouterr().err
