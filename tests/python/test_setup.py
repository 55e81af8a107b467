"""The set-up's own rules: which Python, which devices, and locks that fit what is declared."""

import re
import subprocess
from pathlib import Path

import pytest
from conftest import PROJECT

EVALUATION = PROJECT / "evaluation"


def shell(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs a line of bash with the functions of `env.sh`."""
    command = ["bash", "-c", f"source {PROJECT}/scripts/env.sh; {program}", "-", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("files", "driver"),
    [
        ([], False),
        (["dev/nvidiactl"], True),
        (["dev/dxg"], False),
        (["dev/dxg", "usr/lib/wsl/lib/libcuda.so.1"], True),
    ],
)
def test_a_driver_is_known_by_the_programs_rule(files: list[str], driver: bool, tmp_path: Path) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert (shell('has_nvidia_driver "$1"', tmp_path).returncode == 0) == driver
    # The program's own test has the same table.
    source = (PROJECT / "crates" / "attrax-kernels" / "src" / "cuda.rs").read_text()
    row = ", ".join(f'"{name}"' for name in files)
    assert f"(&[{row}], {str(driver).lower()})" in source


@pytest.mark.parametrize(("version", "taken"), [("3.9", False), ("3.10", True), ("3.14", True), ("3.15", False)])
def test_python_3_10_to_3_14_is_taken(version: str, taken: bool, tmp_path: Path) -> None:
    numbers = version.replace(".", ", ")
    stand_in = tmp_path / "python3"
    # As `python -c PROGRAM`, of another version.
    stand_in.write_text(
        f'#!/bin/sh\nexec "$REAL" -c "import sys; sys.version_info = ({numbers}, 0, \'final\', 0); $2"\n'
    )
    stand_in.chmod(0o755)
    line = 'REAL=$python; export REAL; PATH="$1:/usr/bin:/bin"; hash -r; PYTHON="$1/python3" find_python'
    found = shell(line, tmp_path).stdout.strip()
    assert (found == str(stand_in)) == taken


def pins(name: str) -> dict[str, set[str]]:
    """Versions by package of a lock; several where they depend on Python's version."""
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([a-z0-9-]+)==(\S+)", (EVALUATION / name).read_text(), re.MULTILINE):
        found.setdefault(package, set()).add(version)
    return found


def declared(folder: str) -> set[str]:
    """The packages that a wheel declares."""
    text = (PROJECT / folder / "pyproject.toml").read_text()
    listed = text[text.index("\ndependencies = [") : text.index("[project.scripts]")]
    return set(re.findall(r'^    "([a-z0-9-]+)', listed, re.MULTILINE))


def test_the_locks_agree_and_hold_what_is_declared() -> None:
    whole = pins("requirements.txt") | pins("requirements-cuda.txt")
    vot, tracker = pins("requirements-vot.txt"), pins("requirements-tracker.txt")
    assert all(whole[name] == versions for name, versions in (vot | tracker).items())
    assert {"vot-toolkit", "cachetools", "scipy"} <= declared("evaluation") <= set(vot)
    assert not any(name.startswith(("torch", "nvidia")) for name in vot)
    assert {"torch", "safetensors"} <= declared("packaging/attrax") - {"attrax-vot"} <= set(vot) | set(tracker)
    # The tracker's wheel adds to the evaluation's of its own version.
    text = (PROJECT / "packaging/attrax/pyproject.toml").read_text()
    version = re.search(r'^version = "(.*)"', text, re.MULTILINE)[1]
    assert f'"attrax-vot=={version}"' in text
    assert f'version = "{version}"' in (EVALUATION / "pyproject.toml").read_text()
    # Every file has its hash.
    for name in ("requirements.txt", "requirements-cuda.txt", "requirements-vot.txt", "requirements-tracker.txt"):
        blocks = re.split(r"^(?=[a-z])", (EVALUATION / name).read_text(), flags=re.MULTILINE)
        assert all("--hash=sha256:" in block for block in blocks if "==" in block)
