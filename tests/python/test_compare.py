"""A comparison of arms with a real tracker process over TraX: what is run, what is measured, what is printed."""

import csv
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import fmean

import pytest
from conftest import JITTER, PROJECT, shorten

from attrax_vot.analysis import scores
from attrax_vot.cli import main
from attrax_vot.compare import arms, cells, comparison, paired, variants
from attrax_vot.run.opened import OpenWorkspace
from attrax_vot.run.toolkit import EvaluationError

ATTRAX = PROJECT / "out" / "bin" / "attrax"
ARMS = PROJECT / "evaluation" / "arms"
JUMPY = "--drift=-8 --lost=2"


@pytest.fixture(scope="module")
def dataset(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shorten(demo, tmp_path_factory.mktemp("short"), {"turning": 9, "twins": 24})


def arguments(directory: Path, dataset: Path, *more: str) -> list[str]:
    command = shlex.join([sys.executable, str(JITTER)])
    return ["compare", str(directory), "--dataset", str(dataset), "--command", command, "--jobs", "2", *more]


@pytest.fixture(scope="module")
def space(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two arms with two seeds, one arm of a file; not to be changed."""
    directory = tmp_path_factory.mktemp("compare")
    (directory / "arms.toml").write_text("# Stays where it is.\nstill = ''\n")
    given = ["--arms", str(directory / "arms.toml"), "--arm", f"jumpy={JUMPY}", "--seeds", "2"]
    assert main(arguments(directory / "space", dataset, *given)) == 0
    return directory / "space"


def rows(directory: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((directory / "compare.csv").open()))


def test_rows_hold_what_the_toolkit_says(space: Path):
    found = rows(space)
    assert len(found) == 2 * 2 * 2
    opened = OpenWorkspace(space)
    for name, seed in (("still", "1"), ("jumpy", "2")):
        run = opened.run(opened.needed(), opened.tracker(f"{name}-s{seed}"))
        official = scores.score(run)
        mine = [row for row in found if (row["arm"], row["seed"]) == (name, seed)]
        assert [row["sequence"] for row in mine] == ["turning", "twins"]
        for row, expected in zip(mine, official.rows, strict=True):
            for key in ("failures", "accuracy", "eao", "seconds_per_frame"):
                assert float(row[key]) == pytest.approx(getattr(expected, key), abs=1e-6)
        # With one seed, the measures of all sequences are the toolkit's.
        read = cells.read([(arms.SeededArm(name, int(seed)), run)])
        measured = {key: measure(read.weights) for key, measure in read.measures().items()}
        for key in ("failures", "accuracy", "eao"):
            assert measured[key] == pytest.approx(getattr(official.total, key), abs=1e-6)
    # In nine frames nothing is tracked after a failure: all its answers are of one initialisation.
    turning = {row["arm"]: row for row in found if row["sequence"] == "turning" and row["seed"] == "1"}
    assert [turning["still"][key] for key in ("failures", "tracked", "lost")] == ["0.0", "8", "0.0"]
    assert turning["jumpy"]["failures"] == "1.0"
    assert float(turning["jumpy"]["lost"]) == int(turning["jumpy"]["tracked"]) // 2 > 0


def test_the_difference_is_paired_and_has_an_interval(space: Path):
    still, jumpy = comparison.collect(OpenWorkspace(space)).arms
    assert (jumpy.common, still.differences) == (4, {})
    failures = {
        name: sum(
            fmean(float(row["failures"]) for row in rows(space) if (row["arm"], row["sequence"]) == (name, sequence))
            for sequence in ("turning", "twins")
        )
        for name in ("still", "jumpy")
    }
    found = jumpy.differences["failures"]
    assert found.value == pytest.approx(failures["jumpy"] - failures["still"])
    assert 0 < found.low <= found.value <= found.high
    lost = jumpy.differences["lost"]
    assert 0.2 < lost.low <= lost.value <= lost.high < 0.6
    eao = jumpy.differences["eao"]
    assert eao.low < eao.value < eao.high < 0
    # An arm does not differ from itself.
    _, nothing = paired.differences(still.cells, still.cells, 50)
    assert {(each.value, each.low, each.high) for each in nothing.values()} == {(0.0, 0.0, 0.0)}


def test_page_and_notes(space: Path, dataset: Path, capsys: pytest.CaptureFixture[str]):
    text = (space / "compare.md").read_text()
    assert f"{JUMPY}` |" in text and "| still | 4 | " in text and "### Less still" in text
    assert "### Missing" not in text and "Not one program" not in text and "failure.threshold" not in text
    (note,) = json.loads((space / ".attrax" / "provenance" / "jumpy-s2.json").read_text())
    assert note["command"].endswith(f"{JUMPY} --seed 2")
    before = {path: path.stat().st_mtime_ns for path in (space / "results").rglob("*.bin")}
    given = ["--arm", "still=", "--arm", f"jumpy={JUMPY}", "--seeds", "2"]
    assert main(arguments(space, dataset, *given)) == 0
    assert "0 jobs" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in (space / "results").rglob("*.bin")} == before
    # Another command under the same name is refused, before anything is overwritten.
    assert main(arguments(space, dataset, "--arm", "jumpy=--drift=1")) == 1
    assert "by another command" in capsys.readouterr().err


def test_an_arm_that_has_not_ended(space: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    copy = tmp_path / "copy"
    shutil.copytree(space, copy, symlinks=True)
    shutil.rmtree(copy / "results" / "jumpy-s2" / "baseline" / "twins")
    assert main(["compare", str(copy), "--render-only"]) == 0
    assert "missing: 1 runs" in capsys.readouterr().out
    text = (copy / "compare.md").read_text()
    assert "| jumpy | 3 of 4 | " in text and "- jumpy-s2: twins" in text
    found = comparison.collect(OpenWorkspace(copy)).arms[1]
    assert found.common == 3
    kept = [row for row in rows(space) if (row["seed"], row["sequence"]) != ("2", "twins")]
    sums = {
        name: sum(
            fmean(float(row["failures"]) for row in kept if (row["arm"], row["sequence"]) == (name, sequence))
            for sequence in ("turning", "twins")
        )
        for name in ("still", "jumpy")
    }
    assert found.differences["failures"].value == pytest.approx(sums["jumpy"] - sums["still"])


def test_refusals(tmp_path: Path, dataset: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "broken.toml").write_text("one = two")
    (tmp_path / "number.toml").write_text("one = 2")
    cases = [
        (["compare", str(tmp_path / "a")], "--dataset"),
        (["compare", str(tmp_path / "a"), "--render-only"], "is not a workspace"),
        (arguments(tmp_path / "b", dataset), "nothing to compare"),
        (arguments(tmp_path / "b", dataset, "--arm", "one"), "NAME='FLAGS'"),
        (arguments(tmp_path / "b", dataset, "--arm", "a b=--drift=1"), "cannot be called 'a b'"),
        (arguments(tmp_path / "b", dataset, "--arm", "a=", "--arm", "a=--drift=1"), "two arms are called a"),
        (arguments(tmp_path / "b", dataset, "--arm", "a=--set seed=3"), "sets the seed"),
        (arguments(tmp_path / "b", dataset, "--arm", "a='"), "no line of flags"),
        (arguments(tmp_path / "b", dataset, "--arms", str(tmp_path / "none.toml")), "cannot be read"),
        (arguments(tmp_path / "b", dataset, "--arms", str(tmp_path / "broken.toml")), "cannot be read"),
        (arguments(tmp_path / "b", dataset, "--arms", str(tmp_path / "number.toml")), "has to be a text"),
        (arguments(tmp_path / "c", tmp_path / "none", "--arm", "a="), "there is no folder"),
    ]
    for given, words in cases:
        assert main(given) == 1
        assert words in capsys.readouterr().err
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


@pytest.mark.skipif(not ATTRAX.is_file(), reason="needs `make build`")
def test_flags_of_the_server_alone_are_taken():
    wanted = arms.parse([ARMS / "ablation.toml"], ["limits=--max-objects=3 --max-image-pixels 99 --multi-object"])
    arms.check(wanted, arms.Base.of(f"{ATTRAX} serve"))
    with pytest.raises(EvaluationError, match=r"arm wrong: .*--nothing"):
        arms.check({"wrong": ("--initial-box", "bounding", "--nothing")}, arms.Base.of(f"{ATTRAX} serve"))


def test_the_files_of_arms():
    for name, flags in arms.parse([ARMS / "ablation.toml"], []).items():
        assert flags == variants.flags(name)
    assert set(arms.parse([ARMS / "ablation.toml"], [])) == set(variants.resolve(["all"], ["0", "1", "3", "5", "8"]))
    with pytest.raises(EvaluationError, match="two arms"):
        arms.parse([ARMS / "procedure.toml"], ["fast0=--lambda 0"])
    first, *others = arms.parse([ARMS / "procedure.toml"], []).values()
    assert all(flags[: len(first)] == first for flags in others) and len(set(others)) == len(others)
    # The program takes all of them, one after another.
    every = [word for flags in others for word in flags[len(first) :]]
    printed = subprocess.run([ATTRAX, "info", *first, *every, "--seed", "1"], capture_output=True, text=True)
    assert printed.returncode == 0, printed.stderr
