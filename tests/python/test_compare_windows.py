"""A comparison by windows with real tracker processes: what is run, what is measured, what is written."""

import csv
import json
import math
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from conftest import JITTER, PROJECT, shorten

from attrax_vot.cli import main
from attrax_vot.compare import paired
from attrax_vot.compare.windows import measure, page, plan, table
from attrax_vot.compare.windows.measure import Windows
from attrax_vot.compare.windows.table import WindowRow
from attrax_vot.datasets.clip import Clip
from attrax_vot.datasets.truth import TruthRow

ATTRAX = PROJECT / "out" / "bin" / "attrax"
QUICK = PROJECT / "tests" / "data" / "quick.toml"


@pytest.fixture(scope="module")
def datasets(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two datasets: 13 and 24 frames."""
    folder = tmp_path_factory.mktemp("windows-data")
    return [shorten(demo, folder / "one", {"turning": 13}), shorten(demo, folder / "other", {"twins": 24})]


def arguments(directory: Path, datasets: list[Path], *more: str) -> list[str]:
    command = shlex.join([sys.executable, str(JITTER)])
    given = [word for each in datasets for word in ("--dataset", str(each))]
    common = ["--command", command, "--starts", "10", "--length", "8", "--jobs", "2"]
    return ["compare", str(directory), *given, *common, *more]


ARMS = ["--arm", "still=", "--arm", "jumpy=--drift=-12", "--seeds", "2"]


@pytest.fixture(scope="module")
def space(datasets: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two arms with two seeds; not to be changed."""
    directory = tmp_path_factory.mktemp("windows") / "space"
    assert main(arguments(directory, datasets, *ARMS)) == 0
    return directory


def rows(directory: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((directory / "windows.csv").open()))


def row(sequence: str, start: int, overlap: float, seed: int = 1, failed_at: float = math.nan) -> WindowRow:
    return WindowRow("arm", seed, sequence, start, 8, overlap, failed_at, overlap, 0.1, 1.0, "p")


def test_windows_start_every_few_frames_and_have_at_least_half_of_the_length():
    def clip(name: str, frames: int, missing: int | None = None) -> Clip:
        lines = [TruthRow(index, "", bounds=None if index == missing else (0, 0, 1, 1)) for index in range(frames)]
        return Clip(name, Path(), {"color": [Path()] * frames}, {"object": lines})

    found = plan.windows(clip("a", 24), 10, 8)
    assert [(each.start, each.frames) for each in found] == [(0, 8), (10, 8)]
    assert [each.start for each in plan.windows(clip("a", 24, missing=10), 10, 8)] == [0]
    found = plan.windows(clip("a", 25), 10, 8)
    assert [(each.start, each.frames) for each in found] == [(0, 8), (10, 8), (20, 4)]
    order = plan.tasks({"x": (), "y": ()}, 2, [*found, *plan.windows(clip("b", 12), 10, 8)])
    assert [(each.seed, each.window.start, each.window.sequence, each.arm) for each in order[:5]] == [
        (1, 0, "a", "x"), (1, 0, "a", "y"), (1, 0, "b", "x"), (1, 0, "b", "y"), (1, 10, "a", "x"),
    ]  # fmt: skip


def test_every_window_of_every_dataset_is_run_and_measured(space: Path):
    found = rows(space)
    # turning: starts 0 alone (2 frames are left after the next); twins: 0 and 10.
    assert len(found) == 2 * 2 * 3
    assert {(each["sequence"], each["start"], each["frames"]) for each in found} == {
        ("turning", "0", "8"), ("twins", "0", "8"), ("twins", "10", "8"),
    }  # fmt: skip
    still = [each for each in found if each["arm"] == "still"]
    assert all(each["failed_at"] == "" and each["overlap"] == each["accuracy"] for each in still)
    jumpy = [each for each in found if each["arm"] == "jumpy"]
    failed = [each for each in jumpy if each["failed_at"]]
    assert failed
    for each in failed:
        # The frames from the first one without overlap on count as 0.
        before = int(float(each["failed_at"])) - 1
        assert float(each["overlap"]) == pytest.approx(float(each["accuracy"]) * before / 8, abs=1e-5)
    assert {len(each["program"]) for each in found} == {12}


def test_the_page_has_paired_differences_with_intervals(space: Path):
    still, jumpy = page.collect(space).arms
    assert (len(still.windows.rows), jumpy.common) == (6, 6)
    found = jumpy.differences["overlap"]
    values = {name: measure.values(each.windows)["overlap"] for name, each in (("still", still), ("jumpy", jumpy))}
    assert found.value == pytest.approx(values["jumpy"] - values["still"])
    assert found.low <= found.value <= found.high < 0
    text, drawn = (space / "windows.md").read_text(), (space / "windows.html").read_text()
    assert "--drift=-12` |" in text and "| less still | runs of both |" in text and "3 windows of 8 frames" in text
    assert "<svg" in drawn and "<title>jumpy: -0." in drawn


def test_what_has_ended_is_not_run_again(space: Path, datasets: list[Path], tmp_path: Path, capsys):
    directory = shutil.copytree(space, tmp_path / "space")
    whole = (directory / "windows.csv").read_text()
    lines = whole.splitlines(keepends=True)
    # Killed while it wrote its last line.
    (directory / "windows.csv").write_text("".join(lines[:-2]) + lines[-2][:20])
    assert main(arguments(directory, datasets, *ARMS)) == 0
    assert "2 windows of 16 frames to run" in capsys.readouterr().out
    seconds = ("seconds_per_frame", "seconds_per_initialization")
    again = [{key: value for key, value in each.items() if key not in seconds} for each in rows(directory)]
    assert again == [{key: value for key, value in each.items() if key not in seconds} for each in rows(space)]
    assert main(arguments(directory, datasets, *ARMS)) == 0
    assert "0 windows" in capsys.readouterr().out
    assert main(["compare", str(directory), "--render-only"]) == 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--arm", "still=--drift=1"], "has results of still by another command"),
        (["--arm", "still=", "--length", "9"], "has windows of 8 frames; give --length 8 or another folder"),
        (["--arm", "still=", "--length", "90"], "no sequence has a frame that 45 others follow"),
        (["--arm", "still=", "--sequences", "nothing"], "no dataset has a sequence nothing; they have turning, twins"),
        (["--arm", "still=", "--command", "no-such-program serve"], "'no-such-program', which is not on PATH"),
        (["--arm", "still=", "--slurm"], "leave --slurm out"),
    ],
)
def test_what_cannot_be_compared_is_refused(space: Path, datasets: list[Path], more: list[str], said: str, capsys):
    before = (space / "windows.csv").read_bytes()
    assert main(arguments(space, datasets, *more)) == 1
    assert said in capsys.readouterr().err
    assert (space / "windows.csv").read_bytes() == before


def test_datasets_with_the_same_sequence_are_refused(datasets: list[Path], tmp_path: Path, capsys):
    assert main(arguments(tmp_path / "out", [datasets[0], datasets[0]], "--arm", "still=")) == 1
    assert "two datasets have a sequence turning" in capsys.readouterr().err
    without = ["compare", str(tmp_path / "out"), "--dataset", "a", "--dataset", "b", "--arm", "still="]
    assert main(without) == 1
    assert "the supervised experiment takes one --dataset" in capsys.readouterr().err


def test_a_damaged_table_is_refused(space: Path, tmp_path: Path, capsys):
    directory = shutil.copytree(space, tmp_path / "space")
    file = directory / "windows.csv"
    file.write_text(file.read_text().replace(",8,", ",eight,", 1))
    assert main(["compare", str(directory), "--render-only"]) == 1
    assert "windows.csv, line 2:" in capsys.readouterr().err
    file.write_text("a,b\n1,2\n")
    assert main(["compare", str(directory), "--render-only"]) == 1
    assert "is not a table of windows" in capsys.readouterr().err
    (directory / "windows.json").write_text("[]")
    assert main(["compare", str(directory), "--render-only"]) == 1
    assert "windows.json cannot be read" in capsys.readouterr().err


def test_a_tracker_that_fails_is_reported_and_the_rest_is_kept(
    datasets: list[Path], tmp_path: Path, monkeypatch, capsys
):
    monkeypatch.setenv("FAIL_IN", "turning")
    assert main(arguments(tmp_path / "out", datasets, "--arm", "still=", "--seeds", "1")) == 1
    assert "still, seed 1, turning from frame 1: " in capsys.readouterr().err
    assert [(each["sequence"], each["start"]) for each in rows(tmp_path / "out")] == [("twins", "0"), ("twins", "10")]


def test_the_seeds_of_a_window_share_its_weight():
    windows = Windows([row("a", 0, 0.5), row("a", 0, 0.7, seed=2), row("a", 10, 0.5), row("b", 0, 0.4)])
    assert windows.weights.tolist() == [0.5, 0.5, 1, 1]
    assert measure.values(windows)["overlap"] == pytest.approx((0.6 + 0.5 + 0.4) / 3)


def test_differences_are_of_the_windows_that_both_have():
    first = Windows([row("a", 0, 0.5), row("a", 10, 0.5), row("b", 0, 0.4), row("c", 0, 0.1)])
    other = Windows([row("b", 0, 0.6), row("a", 10, 0.5), row("a", 0, 0.2, failed_at=4), row("d", 0, 0.9)])
    both, found = paired.differences(first, other, 200)
    assert sorted(both) == [("a", 0, 1), ("a", 10, 1), ("b", 0, 1)]
    assert found["overlap"].value == pytest.approx((0.2 - 0.3) / 3)
    assert found["failed"].value == pytest.approx(1 / 3)
    # Accuracy is weighted by the frames before a failure: 3 and 8 and 8.
    assert found["accuracy"].value == pytest.approx((0.2 * 3 + 0.5 * 8 + 0.6 * 8) / 19 - (0.5 + 0.5 + 0.4) / 3)
    _, same = paired.differences(first, first, 50)
    assert {(each.value, each.low, each.high) for each in same.values()} == {(0, 0, 0)}
    _, alone = paired.differences(Windows([row("a", 0, 0.5)]), Windows([row("a", 0, 0.6)]))
    assert math.isnan(alone["overlap"].low) and alone["overlap"].value == pytest.approx(0.1)
    assert paired.differences(Windows([row("a", 0, 0.5)]), Windows([row("b", 0, 0.5)])) == ([], {})


@pytest.mark.skipif(not ATTRAX.is_file(), reason="needs `make build`")
def test_attrax_is_driven_from_the_polygon_by_the_rule_of_its_server(datasets: list[Path], tmp_path: Path):
    """The polygon is sent as it is: the server's flags decide which box it stands for."""
    flags = f"--config {shlex.quote(str(QUICK))}"
    given = ["compare", str(tmp_path / "out"), "--dataset", str(datasets[0]), "--starts", "10", "--length", "6"]
    arms = ["--arm", f"quick={flags}", "--arm", f"bounding={flags} --initial-box bounding", "--seeds", "1"]
    assert main([*given, *arms, "--command", f"{ATTRAX} serve", "--jobs", "1", "--threads", "1"]) == 0
    overlaps = {each["arm"]: float(each["overlap"]) for each in rows(tmp_path / "out")}
    assert 0.3 < overlaps["quick"] < 1 and overlaps["quick"] != overlaps["bounding"]
    assert table.read(tmp_path / "out" / "windows.csv")[0].key == ("bounding", 1, "turning", 0)
    commands = json.loads((tmp_path / "out" / "windows.json").read_text())["arms"]
    assert commands["quick"] == f"{ATTRAX} serve {flags}"
