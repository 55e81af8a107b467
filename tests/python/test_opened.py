"""A command opens its workspace once and reads each result once."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
from conftest import shorten

from attrax_vot.analysis import results
from attrax_vot.cli import main
from attrax_vot.run import workspace


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> tuple[list[Path], Counter[tuple[str, ...]]]:
    """Workspaces that were opened, and how often the results of each experiment, tracker and sequence were read."""
    opened: list[Path] = []
    read: Counter[tuple[str, ...]] = Counter()
    load, repetitions = workspace.load, results.repetitions

    def loading(directory, **options):
        opened.append(directory)
        return load(directory, **options)

    def reading(experiment, tracker, sequence):
        read[experiment.identifier, tracker.reference, sequence.name] += 1
        return repetitions(experiment, tracker, sequence)

    monkeypatch.setattr(workspace, "load", loading)
    monkeypatch.setattr(results, "repetitions", reading)
    return opened, read


def test_evaluate(demo: Path, tmp_path: Path, registry: Path, count: tuple):
    opened, read = count
    data, space = shorten(demo, tmp_path / "data", {"turning": 9, "twins": 9}), tmp_path / "space"
    command = ["evaluate", str(data), "--tracker", "Jitter", "--registry", str(registry), "--workspace", str(space)]
    assert main(command) == 0
    assert opened == [space]
    # To see what is missing, and what was run.
    assert read == {("baseline", "Jitter", name): 2 for name in ("turning", "twins")}
    # Its results as published ones, which are registered and scored without opening the workspace
    # again.
    opened.clear()
    read.clear()
    assert main(["export", str(space), "Jitter", "--layout", "vot", "--out", str(tmp_path / "out")]) == 0
    assert opened == [space] and set(read.values()) == {1}
    opened.clear()
    read.clear()
    assert main([*command, "--reference", str(tmp_path / "out" / "Jitter")]) == 0
    assert "[Jitter-published]" in (space / "trackers.ini").read_text()
    assert opened == [space]
    trackers = ("Jitter", "Jitter-published")
    assert read == {("baseline", tracker, name): 1 for tracker in trackers for name in ("turning", "twins")}


def test_commands_about_results(two_trackers: Path, tmp_path: Path, count: tuple):
    opened, read = count
    space = tmp_path / "space"
    shutil.copytree(two_trackers, space, symlinks=True)
    for command in (
        ["report", str(space), "--format", "html"],
        ["figure", str(space), "ranking", "--format", "png"],
        ["render", str(space), "--tracker", "Jitter"],
        ["run", str(space), "Jitter", "Drift"],
    ):
        opened.clear()
        read.clear()
        assert main(command) == 0, command
        assert opened == [space], command
        assert read and set(read.values()) == {1}, (command, read)
