"""Three versions of the toolkit drive the same tracker: the same trajectories, the same numbers."""

import json
from pathlib import Path

import pytest
from conftest import jitter_registry
from toolkits import PINNED, VERSIONS, excerpt, finish, start

# The types are the toolkit's own names; what attrax-vot writes from them are its own.
STACK = """
title: Every experiment
experiments:
  baseline:
    type: supervised
    repetitions: 15
    skip_initialize: 2
    analyses:
    - {type: supervised_average_ar, sensitivity: 30, burnin: 2}
    - {type: supervised_eao_score, low: 2, high: 9, burnin: 2}
  multistart:
    type: multistart
    analyses:
    - {type: multistart_eao_score, name: eaoscore, low: 2, high: 9}
    - {type: multistart_average_ar, name: ar}
  unsupervised:
    type: unsupervised
    repetitions: 2
    analyses:
    - {type: average_accuracy, name: accuracy, burnin: 1}
  realtime:
    type: supervised
    realtime: {grace: 1}
    repetitions: 1
    analyses:
    - {type: supervised_average_ar, sensitivity: 30, burnin: 2}
"""
LATE = """
title: Real time
experiments:
  supervised: {type: supervised, realtime: {grace: 1}, repetitions: 1}
  unsupervised: {type: unsupervised, realtime: {grace: 1}, repetitions: 1}
"""

# Runs each experiment of a workspace and says which of them ended.
STOCK = """
import logging, sys
from vot.workspace import Workspace
logging.disable()
space = Workspace.load(sys.argv[1])
for experiment in space.stack:
    try:
        experiment.execute(space.registry["Jitter"], next(iter(space.dataset)))
        print(experiment.identifier, "runs")
    except Exception as error:
        print(experiment.identifier, type(error).__name__)
"""
STOCK_SAYS = {
    PINNED: "baseline runs, multistart runs, unsupervised runs, realtime runs",
    "0.8.1": "baseline TrackerException, multistart TypeError, unsupervised runs, realtime ValueError",
    "0.9.0": "baseline TrackerException, multistart TypeError, unsupervised runs, realtime ValueError",
}


def results(directory: Path) -> dict[str, bytes]:
    """Every region and confidence on disk; the seconds differ."""
    files = (path for path in (directory / "results").rglob("*") if path.suffix in (".bin", ".value"))
    return {str(path.relative_to(directory)): path.read_bytes() for path in files if "_time." not in path.name}


def each(spaces: dict[str, Path], *arguments: object) -> None:
    """Runs a command in every workspace, all versions at once; `Path` stands for the workspace's own."""
    running = [
        start(version, *(space if word is Path else word for word in arguments)) for version, space in spaces.items()
    ]
    for process in running:
        finish(process)


@pytest.fixture(scope="module")
def folder(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry, a stack and a dataset: one frame a second, so that the tracker is never late."""
    made = tmp_path_factory.mktemp("toolkits")
    excerpt(demo, made / "dataset", ["turning", "twins"], list(range(0, 24, 2)), fps=1)
    registry = jitter_registry(made)
    registry.write_text(registry.read_text() + "arg_mood = 3\n")
    (made / "stack.yaml").write_text(STACK)
    return made


@pytest.fixture(scope="module")
def spaces(folder: Path) -> dict[str, Path]:
    """A workspace for each version, run and analysed by plain `vot`."""
    made = {version: folder / version for version in VERSIONS}
    options = ["--dataset", folder / "dataset", "--registry", folder / "jitter.ini"]
    each(made, "attrax_vot", "init", Path, *options, "--stack", folder / "stack.yaml")
    each(made, "vot", "evaluate", "--workspace", Path, "Jitter")
    each(made, "vot", "analysis", "--workspace", Path, "--format", "json", "Jitter")
    return made


def test_files_are_the_same(spaces: dict[str, Path]):
    expected = results(spaces[PINNED])
    # 15 supervised runs, 3 anchors, 2 and 1 passes, of two sequences, with a confidence each.
    assert len(expected) == 2 * 2 * (15 + 3 + 2 + 1)
    # The runs differ: the tracker's draws depend on the count of its initialisations.
    assert len({content for name, content in expected.items() if name.endswith(".bin")}) > 2 * 17
    for version in VERSIONS:
        assert results(spaces[version]) == expected, version


def test_numbers_are_the_same(spaces: dict[str, Path]):
    found = {}
    for version, space in spaces.items():
        (path,) = (space / "analysis").glob("*.json")
        document = json.loads(path.read_text())
        assert document["toolkit"] == version
        found[version] = {name: experiment["results"] for name, experiment in document["results"].items()}
    assert list(found[PINNED]) == ["baseline", "multistart", "unsupervised", "realtime"]
    accuracy, failures = found[PINNED]["baseline"][0][0][:2]
    assert 0 < accuracy < 1
    assert failures > 0
    for version in VERSIONS:
        assert found[version] == found[PINNED], version


def test_attrax_vot_leaves_the_same_files(folder: Path, spaces: dict[str, Path]):
    ours = {version: folder / f"ours-{version}" for version in VERSIONS}
    options = ["--dataset", folder / "dataset", "--registry", folder / "jitter.ini", "--stack", folder / "stack.yaml"]
    each(ours, "attrax_vot", "init", Path, *options, "--experiments", "baseline,multistart", "--sequences", "twins")
    # As if it had been made by plain `vot`: with the toolkit's own experiments.
    for space in ours.values():
        stack = (space / "stack.yaml").read_text()
        for name in ("Supervised", "MultiStart"):
            stack = stack.replace(f"attrax_vot.experiments.{name}", name.lower())
        (space / "stack.yaml").write_text(stack)
    # The middle one of the anchors is there already; those around it are run, with the count that
    # they would have had.
    for version, space in ours.items():
        for path in (spaces[version] / "results/Jitter/multistart/twins").glob("twins_00000004*"):
            kept = space / path.relative_to(spaces[version])
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(path.read_bytes())
    each(ours, "attrax_vot", "run", Path, "Jitter", "--no-estimate", "--experiments", "baseline,multistart")
    expected = {
        name: content
        for name, content in results(spaces[PINNED]).items()
        if "/twins/" in name and ("/baseline/" in name or "/multistart/" in name)
    }
    for version, space in ours.items():
        assert results(space) == expected, version
    figures = []
    for version in (PINNED, "0.9.0"):
        finish(start(version, "attrax_vot", "report", ours[version]))
        (tracker,) = json.loads((ours[version] / "report" / "summary.json").read_text())["trackers"]
        figures.append({name: tracker[name] for name in ("accuracy", "failures", "robustness", "eao")})
    assert figures[0] == figures[1]


def test_a_late_tracker_misses_the_same_frames(demo: Path, tmp_path: Path):
    # Two frames a second, and 1.2 s for each: a frame is seen, the next is not.
    excerpt(demo, tmp_path / "dataset", ["turning"], list(range(6)), fps=2)
    (tmp_path / "stack.yaml").write_text(LATE)
    spaces = {version: tmp_path / version for version in VERSIONS}
    options = ["--dataset", tmp_path / "dataset", "--registry", jitter_registry(tmp_path, delay="1.2")]
    each(spaces, "attrax_vot", "init", Path, *options, "--stack", tmp_path / "stack.yaml")
    each(spaces, "vot", "evaluate", "--workspace", Path, "Jitter")
    expected = results(spaces[PINNED])
    assert len([name for name in expected if name.endswith(".bin")]) == 2
    times = next((spaces[PINNED] / "results").rglob("turning_001_time.value")).read_text().split()
    assert [float(seconds) > 0 for seconds in times] == [True, True, False, True, False, True]
    for version in VERSIONS:
        assert results(spaces[version]) == expected, version


@pytest.mark.parametrize("version", [PINNED, "0.9.0"])
def test_verify_tells_what_the_version_does(folder: Path, version: str):
    said = start(
        version, "attrax_vot", "verify", "--tracker", "Jitter", "--registry", folder / "jitter.ini"
    ).communicate()[0]
    assert f"ok    VOT toolkit: {version}, " in said
    assert "ten frames: overlap" in said
    assert ("--set mood=3" in said) == ("drive no TraX tracker" in said) == (version != PINNED)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_toolkit_does_by_itself(folder: Path, spaces: dict[str, Path], tmp_path: Path, version: str):
    """The matrix of docs/toolkit.md: where this fails, the toolkit has changed, or the page is wrong."""
    # Fewer repetitions say as much of this.
    (tmp_path / "stack.yaml").write_text(STACK.replace("repetitions: 15", "repetitions: 3"))
    (tmp_path / "config.yaml").write_text(
        f"registry: [{folder / 'jitter.ini'}]\nstack: stack.yaml\nsequences: {folder / 'dataset'}\n"
    )
    said = finish(start(version, STOCK, tmp_path))
    assert ", ".join(line for line in said.splitlines() if line.split()[0] in STACK) == STOCK_SAYS[version]
    # Whatever trackers.ini gives the tracker arrives under 0.7.4 alone.
    name = "results/Jitter/unsupervised/turning/turning_001.bin"
    assert ((tmp_path / name).read_bytes() == (spaces[version] / name).read_bytes()) == (version == PINNED)
