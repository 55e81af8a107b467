"""Runs with a real tracker process over TraX: whole, interrupted, damaged, failing."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import PROJECT, jitter_registry

from attrax_vot.cli import main

PYTHON = {**os.environ, "PYTHONPATH": str(PROJECT / "evaluation")}


def trajectories(directory: Path) -> dict[str, str]:
    """Every trajectory's content, but not the seconds, which differ."""
    files = sorted((directory / "results").rglob("*.bin"))
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def evaluate(demo: Path, registry: Path, directory: Path, *more: str) -> int:
    arguments = ["evaluate", str(demo), "--tracker", "Jitter", "--registry", str(registry)]
    return main([*arguments, "--workspace", str(directory), *more])


def test_demo_ends_with_a_table_and_a_summary(tmp_path: Path, registry: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["demo", str(tmp_path / "out"), "--tracker", "Jitter", "--registry", str(registry)]) == 0
    text = capsys.readouterr().out
    content = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert content["tracker"] == "Jitter"
    assert content["sequences"] == 3
    assert content["frames"] == 82
    assert content["failures"] == sum(row["failures"] for row in content["per_sequence"])
    assert content["seconds_per_frame"] > 0
    assert content["seconds_per_initialization"] > 0
    assert {"accuracy", "eao"} <= set(content)
    for name in ("turning", "passing", "twins", "all (Jitter)"):
        assert name in text
    report = next(line.split(": ")[1] for line in text.splitlines() if "report" in line)
    assert "Jitter" in Path(report).read_text()
    assert not list((tmp_path / "out").rglob("*.part"))


def test_files_are_those_of_the_plain_toolkit(demo: Path, registry: Path, tmp_path: Path):
    assert evaluate(demo, registry, tmp_path / "ours", "--repetitions", "2") == 0
    assert evaluate(demo, registry, tmp_path / "plain", "--repetitions", "2") == 0
    for path in (tmp_path / "plain" / "results").rglob("*.*"):
        path.unlink()
    subprocess.run(
        [sys.executable, "-m", "vot", "evaluate", "--workspace", str(tmp_path / "plain"), "Jitter"],
        check=True,
        capture_output=True,
        timeout=120,
    )
    plain = trajectories(tmp_path / "plain")
    assert len(plain) == 6
    assert plain == trajectories(tmp_path / "ours")


def test_a_second_run_does_nothing_and_a_damaged_repetition_is_run_again(demo: Path, registry: Path, tmp_path: Path):
    assert evaluate(demo, registry, tmp_path / "space", "--repetitions", "3") == 0
    whole = trajectories(tmp_path / "space")
    # Three repetitions that differ, or the count of initialisations would not be tested.
    assert len(set(whole.values())) == 9
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "space" / "results").rglob("*.bin")}
    assert evaluate(demo, registry, tmp_path / "space", "--repetitions", "3") == 0
    assert {path: path.stat().st_mtime_ns for path in times} == times

    folder = tmp_path / "space" / "results" / "Jitter" / "baseline"
    cut = folder / "twins" / "twins_002.bin"
    cut.write_bytes(cut.read_bytes()[:50])
    (folder / "turning" / "turning_003_time.value").unlink()
    (folder / "turning" / "turning_001_time.value").write_text("0.1\n")
    assert evaluate(demo, registry, tmp_path / "space", "--repetitions", "3") == 0
    assert trajectories(tmp_path / "space") == whole


def test_more_repetitions_change_the_scores(demo: Path, registry: Path, tmp_path: Path):
    assert evaluate(demo, registry, tmp_path) == 0
    first = json.loads((tmp_path / "summary-Jitter.json").read_text())
    assert evaluate(demo, registry, tmp_path, "--repetitions", "2") == 0
    second = json.loads((tmp_path / "summary-Jitter.json").read_text())
    assert (first["repetitions"], second["repetitions"]) == (1, 2)
    assert first["accuracy"] != second["accuracy"]


def test_the_unsupervised_experiment_too(demo: Path, registry: Path, tmp_path: Path):
    assert evaluate(demo, registry, tmp_path, "--experiments", "baseline,unsupervised") == 0
    content = json.loads((tmp_path / "summary-Jitter.json").read_text())
    assert 0 < content["unsupervised"]["unsupervised"] < 1
    assert len(list((tmp_path / "results" / "Jitter" / "unsupervised").rglob("*.bin"))) == 3


@pytest.mark.parametrize("seconds", [0.0, 0.4])
def test_kill_and_resume(demo: Path, tmp_path: Path, seconds: float):
    registry = jitter_registry(tmp_path, delay="0.02")
    command = [sys.executable, "-m", "attrax_vot", "evaluate", str(demo), "--tracker", "Jitter"]
    command += ["--registry", str(registry), "--repetitions", "2"]
    killed = tmp_path / "killed"
    process = subprocess.Popen(
        [*command, "--workspace", str(killed)], env=PYTHON, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not list(killed.glob("results/**/*.bin")) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = len(trajectories(killed))
    assert 1 <= done < 8
    for directory in (killed, tmp_path / "whole"):
        subprocess.run(
            [*command, "--workspace", str(directory)],
            env=PYTHON,
            check=True,
            capture_output=True,
            timeout=300,
        )
    assert trajectories(killed) == trajectories(tmp_path / "whole")


def test_a_tracker_that_dies_is_reported_with_its_last_words(
    demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert evaluate(demo, jitter_registry(tmp_path, fail_in="passing"), tmp_path / "space") == 1
    out = capsys.readouterr().out
    assert "not ended: passing" in out
    assert "initialisation 1" in out
    assert "all (Jitter)" in out
    content = json.loads((tmp_path / "space" / "summary-Jitter.json").read_text())
    assert [row["name"] for row in content["per_sequence"]] == ["turning", "twins"]
    assert list((tmp_path / "space" / "logs").rglob("passing_*.log"))
