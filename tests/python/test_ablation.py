"""An ablation with a real tracker process over TraX: what is run, what is measured, what is printed."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import fmean

import pytest
from conftest import PROJECT, jitter_registry, shorten
from test_otb import second_opinion
from test_run import trajectories
from vot.region import RegionType
from vot.tracker import Trajectory

from attrax_vot.cli import main
from attrax_vot.compare import ablation, ablation_measures, arms, variants
from attrax_vot.run.opened import OpenWorkspace
from attrax_vot.run.toolkit import EvaluationError

LAMBDAS = ["--lambdas", "0,5", "--variants", "lambda", "--seeds", "2"]


@pytest.fixture(scope="module")
def dataset(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short sequences: in one a tracker that stays where it is loses nothing, in the other it does."""
    return shorten(demo, tmp_path_factory.mktemp("short"), {"turning": 7, "twins": 26})


def arguments(directory: Path, dataset: Path, registry: Path, *more: str) -> list[str]:
    common = ["--dataset", str(dataset), "--tracker", "Jitter", "--registry", str(registry), "--jobs", "2"]
    return ["ablation", str(directory), *common, *more]


@pytest.fixture(scope="module")
def space(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole ablation of two lambdas and two seeds; not to be changed."""
    directory = tmp_path_factory.mktemp("ablation")
    registry = jitter_registry(directory)
    assert main(arguments(directory / "space", dataset, registry, *LAMBDAS)) == 0
    return directory / "space"


def rows(directory: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((directory / "ablation.csv").open()))


def test_names_are_the_toolkits_and_folders():
    names = variants.resolve(["all"], ["0", "2.50", "8"])
    assert names == ["lambda0", "lambda2_5", "lambda8", "weight", "lambda5", "paper", "bounding"]
    assert variants.resolve(["lambda2.50", "lambda", "paper"], ["2.5"]) == ["lambda2_5", "paper"]
    for name in names:
        entry = arms.SeededArm(name, 12)
        assert arms.SeededArm.of(entry.reference) == entry
    assert arms.SeededArm.of("DAT") is None
    for wrong in (["lambada"], ["lambda-1"], []):
        with pytest.raises(EvaluationError):
            variants.resolve(wrong, ["1"])
    with pytest.raises(EvaluationError, match="lambda 1e9"):
        variants.resolve(["lambda"], ["1e9"])


def test_each_command_says_how_its_variant_differs(tmp_path: Path):
    base = arms.Base("DAT", {"protocol": "trax", "command": "attrax serve", "timeout": "600", "env_a": "100%%"})
    names = variants.resolve(["all"], ["0", "3"])
    arms.register(tmp_path, {name: variants.flags(name) for name in names}, 2, base)
    from vot.tracker import Registry

    found = {tracker.identifier: tracker.describe() for tracker in Registry([str(tmp_path)])}
    assert len(found) == 12
    commands = {name: each["command"].removeprefix("attrax serve ") for name, each in found.items()}
    assert len(set(commands.values())) == 12
    assert commands["lambda3-s2"] == ("--preset released --initial-box equal-area --set attention.lambda=3 --seed 2")
    assert "--set attention.use=weight" in commands["weight-s1"]
    assert "--preset paper" in commands["paper-s1"] and "--initial-box bounding" in commands["bounding-s1"]
    assert {(each["timeout"], each["env"]["A"]) for each in found.values()} == {("600", "100%")}


def test_one_pass_is_run_only_where_a_target_was_lost(space: Path):
    for name in ("lambda0-s1", "lambda0-s2", "lambda5-s1", "lambda5-s2"):
        results = space / "results" / name
        assert (results / "baseline" / "turning" / "turning_001.bin").is_file()
        assert not list(results.glob("unsupervised/turning/*"))
        assert (results / "unsupervised" / "twins" / "twins_001.bin").is_file()


def test_a_supervised_run_without_failure_is_the_one_pass_run(space: Path, tmp_path: Path):
    """What is taken for granted elsewhere: both experiments are run here, and compared region by region."""
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(space, copy, symlinks=True)
    assert main(["run", str(copy), "lambda5-s1", "--sequences", "turning", "--experiments", "unsupervised"]) == 0
    opened = OpenWorkspace(copy)
    supervised, unsupervised = ablation.experiments(opened)
    tracker = opened.tracker("lambda5-s1")
    sequence = next(each for each in opened.sequences(supervised) if each.name == "turning")
    one, other = (
        Trajectory.read(each.results(tracker, sequence), "turning_001").regions() for each in (supervised, unsupervised)
    )
    assert [str(region) for region in one] == [str(region) for region in other]
    assert len({str(region) for region in one}) == len(sequence)
    # The seeds differ, or the comparison would say nothing about the draws.
    second = Trajectory.read(supervised.results(opened.tracker("lambda5-s2"), sequence), "turning_001")
    assert str(second.region(1)) != str(one[1])


def test_rows_hold_what_the_trajectories_say(space: Path):
    found = rows(space)
    assert len(found) == 2 * 2 * 3
    opened = OpenWorkspace(space)
    supervised, unsupervised = ablation.experiments(opened)
    for sequence, experiment in zip(opened.sequences(supervised), (supervised, unsupervised), strict=True):
        for name, seed in (("lambda0", "1"), ("lambda5", "2")):
            tracker = opened.tracker(f"{name}-s{seed}")
            regions = Trajectory.read(experiment.results(tracker, sequence), f"{sequence.name}_001").regions()
            truth = [_box(region) for region in sequence.groundtruth()]
            expected = second_opinion([truth[0], *map(_box, regions[1:])], truth)
            row = _row(found, name, seed, sequence.name)
            measured = [float(row[key]) for key in ("precision", "success", "success_half", "centre_error")]
            assert measured == pytest.approx(expected, abs=1e-6)
            assert (float(row["failures"]) > 0) == (sequence.name == "twins")
    total = _row(found, "lambda0", "1", "all")
    parts = [_row(found, "lambda0", "1", name) for name in ("turning", "twins")]
    assert float(total["success"]) == pytest.approx(fmean(float(part["success"]) for part in parts), abs=1e-6)
    assert float(total["failures"]) == sum(float(part["failures"]) for part in parts)
    assert 0 < float(total["precision"]) < 1


def test_tables_have_means_spreads_and_the_papers_figures(space: Path):
    text = (space / "ablation.md").read_text()
    values = [float(_row(rows(space), "lambda5", seed, "all")["success"]) for seed in ("1", "2")]
    cell = f"{fmean(values):.3f} ± {abs(values[0] - values[1]) / 2:.3f}"
    line = next(line for line in text.splitlines() if line.startswith("| lambda 5 | 2 |"))
    assert cell in line and "0.944 | 0.704" in line
    assert "0.911 | 0.671" in text and "OTB-2013" in text
    assert "## Missing" not in text and "Initial box" not in text
    assert (space / "ablation.png").stat().st_size > 10_000


def test_spread():
    assert ablation_measures.Spread.of([]).text(3) == "-"
    assert ablation_measures.Spread.of([0.25, float("nan")]).text(2) == "0.25"
    assert ablation_measures.Spread.of([0.2, 0.4]).text(2, "+") == "+0.30 ± 0.10"
    assert ablation_measures.Spread.of([1, 2, 3, 4]).text(1) == "2.5 ± 1.3"


def test_a_second_run_does_nothing_and_more_seeds_are_added(
    space: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    registry = space.parent / "jitter.ini"
    before = {path: path.stat().st_mtime_ns for path in (space / "results").rglob("*.bin")}
    assert main(arguments(space, dataset, registry, *LAMBDAS)) == 0
    assert "0 jobs" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in (space / "results").rglob("*.bin")} == before
    # Another tracker under the same names is refused, before anything is overwritten.
    other = jitter_registry(tmp_path, delay="0.001")
    assert main(arguments(space, dataset, other, *LAMBDAS)) == 1
    assert "by another command" in capsys.readouterr().err


def test_kill_and_resume(dataset: Path, space: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    # The same command, and slower only through the environment that it inherits.
    registry = space.parent / "jitter.ini"
    killed = tmp_path / "killed"
    command = [sys.executable, "-m", "attrax_vot", *arguments(killed, dataset, registry, *LAMBDAS, "--seeds", "1")]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "evaluation"), "DELAY": "0.1"}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while not list(killed.glob("results/*/unsupervised/**/*.bin")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert 1 <= len(trajectories(killed)) < 6
    assert main(["ablation", str(killed), "--render-only"]) == 0
    printed = capsys.readouterr().out
    assert "missing: " in printed and "## Missing" in (killed / "ablation.md").read_text()
    subprocess.run(command, env={**environment, "DELAY": "0"}, check=True, capture_output=True, timeout=300)
    assert trajectories(killed) == {name: text for name, text in trajectories(space).items() if "-s1/" in name}
    assert "## Missing" not in (killed / "ablation.md").read_text()


def test_refusals(tmp_path: Path, dataset: Path, registry: Path, capsys: pytest.CaptureFixture[str]):
    cases = [
        (["ablation", str(tmp_path / "a")], "--dataset"),
        (["ablation", str(tmp_path / "a"), "--render-only"], "is not a workspace"),
        (arguments(tmp_path / "b", dataset, registry, "--variants", "colour"), "no variant colour"),
        (arguments(tmp_path / "c", tmp_path / "none", registry), "there is no folder"),
        ([*arguments(tmp_path / "d", dataset, registry), "--tracker", "Nobody"], "no tracker Nobody"),
    ]
    (tmp_path / "flags.ini").write_text("[Jitter]\ncommand = attrax serve --seed=3\narg_attention.lambda = 1\n")
    words = "sets --seed, arg_attention.lambda, in which"
    cases.append((arguments(tmp_path / "e", dataset, tmp_path / "flags.ini"), words))
    for given, words in cases:
        assert main(given) == 1
        assert words in capsys.readouterr().err
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def _row(found: list[dict[str, str]], variant: str, seed: str, sequence: str) -> dict[str, str]:
    (row,) = (each for each in found if (each["variant"], each["seed"], each["sequence"]) == (variant, seed, sequence))
    return row


def _box(region) -> tuple[float, ...]:
    box = region.convert(RegionType.RECTANGLE)
    return box.x, box.y, box.width, box.height
