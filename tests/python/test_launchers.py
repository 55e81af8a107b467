"""The launchers of a clone, started in a folder whose files have the names of Python's modules."""

import subprocess
from pathlib import Path

import pytest
from conftest import PROJECT, jitter_registry, shorten

# As datasets have them: packages that the tools import, modules of Python's own, and our own.
NAMES = ("yaml", "numpy", "vot", "submitit", "struct", "signal", "multiprocessing", "attrax", "attrax_vot")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder of modules that end whatever imports them."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.py").write_text("raise SystemExit('imported from the current folder')\n")
    return folder


def call(folder: Path, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [PROJECT / "out" / "bin" / program, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)


def test_commands_import_nothing_from_the_current_folder(hostile: Path) -> None:
    done = call(hostile, "attrax-vot", "report", ".")
    assert (done.returncode, done.stderr) == (1, "error: . is not a workspace: it has no config.yaml\n")
    for program in ("attrax-vot", "vot"):
        done = call(hostile, program, "--help")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"usage: {program} ")


def test_workers_import_nothing_from_the_current_folder(hostile: Path, demo: Path, tmp_path: Path) -> None:
    data = shorten(demo, tmp_path / "data", {"turning": 5, "twins": 5})
    registry = jitter_registry(tmp_path)
    # By relative paths: jobs run where the command does.
    done = call(hostile, "attrax-vot", "init", "space", "--dataset", data, "--registry", registry, "--repetitions", 1)
    assert done.returncode == 0, done.stderr
    done = call(hostile, "attrax-vot", "run", "space", "Jitter", "--jobs", 2, "--no-estimate")
    assert done.returncode == 0, done.stderr
    assert len(list((hostile / "space" / "results").rglob("*_001.bin"))) == 2
