"""The checks before a run."""

from pathlib import Path

import pytest
from conftest import jitter_registry

from attrax_vot.cli import main
from attrax_vot.run import estimate, verify
from attrax_vot.run.jobs import Job
from attrax_vot.run.verify import Speed


def test_versions_with_known_traps_are_named():
    assert verify.toolkit("0.7.4").good
    assert verify.toolkit("0.9.0").good
    assert "drive no TraX tracker" in verify.toolkit("0.9.0").line()
    assert "0.7.4, 0.8.1, 0.9.0 were tried" in verify.toolkit("0.10.0").line()
    assert verify.attributee("0.1.9").good
    assert "attributee<0.1.10" in verify.attributee("0.1.10").line()


def test_a_tracker_that_answers_is_run_for_ten_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    registry = jitter_registry(tmp_path)
    # Its file says nothing about a timeout, and the toolkit's own is too short.
    assert main(["verify", "--tracker", "Jitter", "--registry", str(registry)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("ok    VOT toolkit: 0.7.4") for line in lines)
    assert any(line.startswith("FAIL  timeout: 30 s") for line in lines)
    assert any("ten frames: overlap" in line for line in lines)


def test_what_is_missing_is_told_with_a_fix(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    registry = tmp_path / "trackers.ini"
    registry.write_text("[Gone]\nprotocol = trax\ncommand = no-such-program\ntimeout = 600\n")
    assert main(["verify", "--tracker", "Gone", "--registry", str(registry)]) == 1
    out = capsys.readouterr().out
    assert "no no-such-program on PATH" in out
    assert "fix: make build" in out
    assert main(["verify", "--tracker", "Nobody", "--registry", str(registry)]) == 1
    assert "does not register Nobody" in capsys.readouterr().out


def test_an_estimate_adds_up():
    jobs = [Job("", "A", "baseline", name, 15, missing, 100, 2) for name, missing in (("x", 15), ("y", 5))]
    found = estimate.estimate(jobs, 2, {"A": Speed(10.0, 0.5, 0.6)})
    assert found.frames == 2000
    # x: 15 x (100 x 0.5 + 2 x 10) = 1050 s; y: 350 s. Two at a time cannot end before x does.
    assert found.seconds == 1050
    assert found.core_hours == pytest.approx(2 * 1400 / 3600)
    assert "17:30" in found.lines(10**9)[1]


def test_a_tracker_that_dies_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    registry = jitter_registry(tmp_path, fail_in="turning")
    assert main(["verify", "--tracker", "Jitter", "--registry", str(registry)]) == 1
    assert "Process exited with code (3)" in capsys.readouterr().out
