"""Results written for other toolkits, and read again."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import jitter_registry

from attrax_vot.cli import main
from attrax_vot.report.collect import collect
from attrax_vot.report.write import shown
from attrax_vot.run.opened import OpenWorkspace


@pytest.fixture(scope="module")
def space(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two supervised repetitions and one pass of the tests' tracker."""
    directory = tmp_path_factory.mktemp("exchange")
    registry = jitter_registry(directory)
    common = ["--dataset", str(demo), "--registry", str(registry), "--repetitions", "2"]
    assert main(["init", str(directory / "space"), *common]) == 0
    for experiment in ("baseline", "unsupervised"):
        assert main(["run", str(directory / "space"), "Jitter", "--no-estimate", "--experiments", experiment]) == 0
    return directory / "space"


def rows(directory: Path, title: str, references: list[Path]) -> list[list[str]]:
    """The rows of a table without the trackers' names, and whatever is best marked."""
    (table,) = (each for each in shown(collect(OpenWorkspace(directory, references), [])) if each.title == title)
    return [[cell.text for cell in row[1:]] for row in table.rows]


def test_the_matlab_toolkits_layout(space: Path, tmp_path: Path):
    assert main(["export", str(space), "Jitter", "--out", str(tmp_path)]) == 0
    folder = tmp_path / "Jitter" / "baseline" / "twins"
    assert [path.name for path in sorted(folder.iterdir())] == ["twins_001.txt", "twins_002.txt", "twins_time.txt"]
    lines = (folder / "twins_001.txt").read_text().split()
    assert lines[0] == "1" and lines[1].count(",") == 3
    assert all(line.count(",") == 1 for line in (folder / "twins_time.txt").read_text().split())

    before = rows(space, "Trackers", []), rows(space, "One pass", [])
    for table, title in zip(before, ("Trackers", "One pass"), strict=True):
        # The same numbers, seconds too, once as they were run and once as they were read.
        assert rows(space, title, [tmp_path / "Jitter"]) == [table[0], table[0]]


def test_got10ks_layout(space: Path, tmp_path: Path):
    before = rows(space, "One pass", [])
    out = tmp_path / "other"
    assert main(["export", str(space), "Jitter", "--layout", "got10k", "--out", str(out)]) == 0
    found = np.loadtxt(out / "Jitter" / "twins" / "twins_001.txt", delimiter=",")
    assert found.shape == (26, 4)
    (out / "Jitter").rename(out / "Passing")
    assert rows(space, "One pass", [out / "Passing"])[:2] == [before[0], before[0]]


def test_provenance_says_what_ran(space: Path, tmp_path: Path):
    assert main(["export", str(space), "Jitter", "--out", str(tmp_path)]) == 0
    content = json.loads((tmp_path / "Jitter" / "provenance.json").read_text())
    assert content["tracker"] == "Jitter" and content["versions"]["VOT toolkit"]
    (run,) = content["runs"]
    assert "jitter_tracker.py" in run["command"] and len(run["program"]["sha256"]) == 64
    assert run["machine"]["cores"] >= 1 and run["date"]


def test_nothing_to_write(demo: Path, tmp_path: Path, registry: Path, capsys: pytest.CaptureFixture[str]):
    common = ["--dataset", str(demo), "--registry", str(registry)]
    assert main(["init", str(tmp_path / "space"), *common]) == 0
    assert main(["export", str(tmp_path / "space"), "Jitter"]) == 1
    assert "Jitter has no whole repetition" in capsys.readouterr().err
