"""Any tracker that the toolkit drives is run, and workspaces of any origin are read or refused in one sentence."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from conftest import PROJECT, jitter_registry, shorten
from test_parallel import start, trackers_of, wait_for, workers
from test_run import trajectories

from attrax_vot.cli import main
from attrax_vot.run import workspace

HERE = Path(__file__).parent
QUICK = PROJECT / "tests" / "data" / "quick.toml"
STILL = """
[Still]
protocol = traxpython
command = still
paths = {here}
python = {python}
env_some = thing
arg_some = thing
linkpaths = {here}
restart = false
timeout = 60

[StillBySocket]
protocol = traxpython
command = import still
paths = {here}
socket = true
restart = true

[Quick]
protocol = trax
command = attrax serve --config {quick}
timeout = 600
"""


@pytest.fixture(scope="module")
def short(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shorten(demo, tmp_path_factory.mktemp("short"), {"turning": 12, "twins": 10})


@pytest.fixture
def space(short: Path, tmp_path: Path) -> Path:
    """A workspace with the trackers above and 15 repetitions."""
    registry = tmp_path / "registered.ini"
    registry.write_text(STILL.format(here=HERE, python=sys.executable, quick=QUICK))
    arguments = ["init", str(tmp_path / "space"), "--dataset", str(short), "--registry", str(registry)]
    assert main([*arguments, "--experiments", "baseline"]) == 0
    return tmp_path / "space"


def test_python_trackers_run_in_parallel_next_to_attrax(space: Path, capsys: pytest.CaptureFixture[str]):
    names = ["Still", "StillBySocket"] + (["Quick"] if (PROJECT / "out" / "bin" / "attrax").is_file() else [])
    assert main(["run", str(space), *names, "--jobs", "2", "--repetitions", "4"]) == 0
    printed = capsys.readouterr()
    assert f"{2 * len(names)} of {2 * len(names)} jobs ended" in printed.out
    # The toolkit stops a deterministic tracker after three repetitions.
    same = "3 of 4 repetitions run: they are the same, so the toolkit asks for no more"
    assert printed.err.count(same) >= 4
    found = trajectories(space)
    assert {path.replace("StillBySocket", "Still") for path in found if "Still" in path} == {
        f"results/Still/baseline/{name}/{name}_{index:03d}.bin" for name in ("turning", "twins") for index in (1, 2, 3)
    }
    for name in ("turning", "twins"):
        paths = [path for path in found if "Still" in path and name in path]
        assert len({found[path] for path in paths}) == 1
    assert main(["report", str(space), "--format", "markdown"]) == 0
    noted = json.loads((space / ".attrax" / "provenance" / "Still.json").read_text())[0]
    assert noted["protocol"] == "traxpython"
    assert noted["program"]["path"] == sys.executable
    # The toolkit's own evaluation leaves the same files and numbers.
    plain = shutil.copytree(space, space.parent / "plain", symlinks=True)
    shutil.rmtree(plain / "results")
    run_plain = [sys.executable, "-m", "vot", "evaluate", "--workspace", str(plain), "Still"]
    subprocess.run(run_plain, check=True, capture_output=True, timeout=120)
    assert trajectories(plain) == {path: value for path, value in found.items() if "/Still/" in path}
    assert eao(plain) == eao(space)


def eao(space: Path) -> dict:
    """What the toolkit's own analysis gives the Python tracker, expected average overlap among it."""
    out = space / "analysis.json"
    analyse = [sys.executable, "-m", "vot", "analysis", "--workspace", str(space), "--format", "json"]
    subprocess.run([*analyse, "--name", "analysis", "Still"], check=True, capture_output=True, timeout=120)
    found = sorted(space.rglob("analysis*/**/*.json")) or [out]
    content = json.loads(found[-1].read_text())
    return {key: value for key, value in content.items() if key != "timestamp"}


def test_a_python_tracker_killed_in_a_parallel_run_leaves_the_same_files(demo: Path, tmp_path: Path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
        registry = jitter_registry(folder, gate=str(folder / "gate"))
        text = registry.read_text()
        command = "protocol = traxpython\ncommand = import jitter_tracker; jitter_tracker.main()"
        registry.write_text(re.sub(r"protocol.*\ncommand.*", f"{command}\npaths = {HERE}", text))
        arguments = ["init", str(folder / "space"), "--dataset", str(demo), "--registry", str(registry)]
        assert main([*arguments, "--experiments", "baseline", "--repetitions", "2"]) == 0
    (whole / "gate").touch()
    assert main(["run", str(whole / "space"), "Jitter", "--jobs", "2"]) == 0
    process = start(killed / "space")
    wait_for(lambda: list((killed / "space").glob("results/**/*.bin")))
    victims = trackers_of(workers(killed / "space"))
    assert victims
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    (killed / "gate").touch()
    process.communicate(timeout=300)
    assert process.returncode == 1
    assert main(["run", str(killed / "space"), "Jitter", "--jobs", "2"]) == 0
    assert trajectories(killed / "space") == trajectories(whole / "space")


def mistaken(space: Path, file: str, text: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The one sentence that each command says of a workspace with a wrong file."""
    (space / file).write_bytes(text if isinstance(text, bytes) else text.encode())
    said = []
    for command in (
        ["run", str(space), "Still"],
        ["report", str(space)],
        ["plan", str(space), "Still", "--frame", "1"],
    ):
        assert main(command) == 1
        said.append(capsys.readouterr().err.strip())
    assert len(set(said)) == 1
    assert said[0].startswith("error: ") and "\n" not in said[0] and "Traceback" not in said[0], said[0]
    return said[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("command = x\n", "line 1: 'command = x' stands before any [NAME]"),
        ("[A]\ncommand = x\n[A]\ncommand = y\n", "line 3: a second tracker [A]"),
        ("[A]\ncommand = x\ncommand = y\n", "line 3: a second 'command' in [A]"),
        ("[A]\ncommand = x --share 50%\n", "[A] command: a percent sign is written as %%"),
        ("[A]\nprotocol = trax\n", "[A] has no line 'command = ...'"),
        ("[A]\ncommand = x\nwords\n", "line 3: 'words"),
        ("[A]\ncommand = x\nversion = 1.0\n", "[A] version = 1.0"),
        ("[A]\ncommand = x\nmetadata = y\n", "[A] metadata"),
        (b"\xff\xfe[A]\n", "not UTF-8"),
        (b"\xef\xbb\xbf[A]\ncommand = x\n", "byte order mark"),
    ],
)
def test_a_mistake_in_trackers_ini(space: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]):
    sentence = mistaken(space, "trackers.ini", text, capsys)
    assert str(space / "trackers.ini") in sentence and said in sentence


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("config.yaml", "", "it describes no workspace"),
        ("config.yaml", "stack: [\n", "line 2"),
        ("config.yaml", "sequences: sequences\n", "missing keys: stack"),
        ("config.yaml", "stack: vot1999\n", "the toolkit has no stack vot1999; similar ones are"),
        ("config.yaml", "stack: stack.yaml\nsequences: nowhere\n", "nowhere"),
        ("stack.yaml", "experiments: {b: {type: supervised, repetitions: many}}\n", "experiments.repetitions"),
        ("stack.yaml", "experiments: {b: {type: supervised, pace: 3}}\n", "unknown keys: pace"),
        ("stack.yaml", "experiments: {b: {type: unheard}}\n", "'unheard' not found"),
        ("config.yaml", "stack: " + "[" * 500, "its lists or tables are nested too deeply"),
        ("stack.yaml", "experiments: {b: {type: supervised, repetitions: 1000000000}}\n", "1000000000 repetitions"),
        ("stack.yaml", "experiments: {../../b: {type: supervised}}\n", "'../../b' is no name of an experiment"),
        ("stack.yaml", "experiments: {b: {repetitions: 1}}\n", "experiment b has no line 'type: ...'"),
        ("stack.yaml", "experiments: {b: {type: [x]}}\n", "experiment b has no line 'type: ...'"),
        ("stack.yaml", "experiments: {5: {type: supervised}}\n", "name 5 has to be in quotes"),
        ("stack.yaml", b"\xff\xfe\x00", "stack.yaml: it is not UTF-8"),
        ("config.yaml", "stack: [a]\n", "stack: ['a'] is not the name of a stack"),
        ("config.yaml", "stack:\n", "stack: '' is not the name of a stack"),
        ("config.yaml", "stack: stack.yaml\nsequences: [a]\n", "sequences: ['a'] is not the name of a folder"),
        ("config.yaml", "stack: stack.yaml\nregistry: [[x]]\n", "registry: [['x']] is not the name of a file"),
    ],
)
def test_a_mistake_in_a_workspace(space: Path, file: str, text: str, said: str, capsys: pytest.CaptureFixture[str]):
    sentence = mistaken(space, file, text, capsys)
    assert str(space) in sentence and said in sentence


def test_a_registry_that_is_missing_is_named(space: Path, capsys: pytest.CaptureFixture[str]):
    (space / "config.yaml").write_text("stack: stack.yaml\nregistry: gone.ini\n")
    assert main(["run", str(space), "Still"]) == 1
    assert f"there is no {space}/gone.ini, which config.yaml names" in capsys.readouterr().err


OLD: dict[str, Callable[[dict], object]] = {
    "an old name of the stack": lambda config: config.update(stack="vot2016"),
    "a file's name": lambda config: config.update(stack="VOT2018/shortterm.yaml"),
    "other keys": lambda config: config.update(dataset="vot2016", master="x"),
    "no registry": lambda config: config.pop("registry"),
}


@pytest.mark.parametrize("kind", OLD)
def test_workspaces_that_an_older_toolkit_made(space: Path, kind: str, capsys: pytest.CaptureFixture[str]):
    config = yaml.safe_load((space / "config.yaml").read_text())
    shutil.copyfile(config["registry"][0], space / "trackers.ini")
    OLD[kind](config)
    (space / "config.yaml").write_text(yaml.safe_dump(config))
    command = ["run", str(space), "Still", "--repetitions", "1", "--experiments", "baseline"]
    assert main(command) == 0
    printed = capsys.readouterr()
    assert "2 of 2 jobs ended" in printed.out
    assert ("'master' is left out; this toolkit does not know it" in printed.err) == (kind == "other keys")


def test_an_old_name_of_a_stack_for_init(short: Path, registry: Path, tmp_path: Path):
    arguments = ["init", str(tmp_path / "space"), "--dataset", str(short), "--registry", str(registry)]
    assert main([*arguments, "--stack", "vot2015", "--experiments", "baseline"]) == 0
    assert workspace.load(tmp_path / "space").stack.title.startswith("VOT2015")


def test_the_same_failure_is_reported_once(short: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    names = {f"turning{index}": 6 for index in range(4)}
    for name in names:
        (tmp_path / "many" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "many" / name).symlink_to(short / "turning")
    (tmp_path / "many" / "list.txt").write_text("\n".join(names) + "\n")
    registry = tmp_path / "registered.ini"
    registry.write_text("[Still]\nprotocol = traxpython\ncommand = import sys; sys.exit('no licence')\n")
    arguments = ["init", str(tmp_path / "space"), "--dataset", str(tmp_path / "many"), "--registry", str(registry)]
    assert main([*arguments, "--experiments", "baseline"]) == 0
    assert main(["run", str(tmp_path / "space"), "Still"]) == 1
    printed = capsys.readouterr()
    assert printed.err.count("no licence") == 1
    assert "the same error as Still baseline turning" in printed.err
    assert "2 more jobs not started" in printed.err
    assert "0 of 4 jobs ended" in printed.out
