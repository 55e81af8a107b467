"""Parallel runs: the same files as a sequential one, whatever dies on the way."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import PROJECT, jitter_registry
from test_run import trajectories

from attrax_vot.cli import main

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PROJECT / "evaluation")}


@pytest.fixture(scope="module")
def expected(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a sequential run of two repetitions leaves."""
    directory = tmp_path_factory.mktemp("sequential")
    registry = jitter_registry(directory)
    arguments = ["evaluate", str(demo), "--tracker", "Jitter", "--registry", str(registry)]
    assert main([*arguments, "--workspace", str(directory / "space"), "--repetitions", "2"]) == 0
    return trajectories(directory / "space")


def init(demo: Path, directory: Path, **environment: str) -> Path:
    registry = jitter_registry(directory, **environment)
    arguments = ["init", str(directory / "space"), "--dataset", str(demo), "--registry", str(registry)]
    assert main([*arguments, "--experiments", "baseline", "--repetitions", "2"]) == 0
    return directory / "space"


def start(space: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "attrax_vot", "run", str(space), "Jitter", "--jobs", "2"]
    return subprocess.Popen(
        command,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(condition: Callable[[], object], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def workers(space: Path) -> list[int]:
    """Processes at work on a workspace: those whose command line names the engine's folder in it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"submitit.core._submit" in words and any(str(space).encode() in word for word in words):
            found.append(int(path.parent.name))
    return found


def trackers_of(pids: list[int]) -> list[int]:
    """The children of processes."""
    children = []
    for pid in pids:
        try:
            children += Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            continue
    return [int(pid) for pid in children]


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}/exe").exists()]


def test_two_at_a_time(demo: Path, tmp_path: Path, expected: dict[str, str]):
    space = init(demo, tmp_path)
    assert main(["run", str(space), "Jitter", "--jobs", "2"]) == 0
    assert trajectories(space) == expected


def test_a_worker_that_is_killed_is_started_again(demo: Path, tmp_path: Path, expected: dict[str, str]):
    # No job comes to its end before the gate opens, however slow this machine is.
    gate = tmp_path / "gate"
    space = init(demo, tmp_path, gate=str(gate))
    process = start(space)
    wait_for(lambda: list(space.glob("results/**/*.bin")))
    killed = workers(space)
    assert killed
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    gate.touch()
    out, _ = process.communicate(timeout=400)
    assert process.returncode == 0
    assert "3 of 3 jobs ended" in out
    assert trajectories(space) == expected


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_behind_and_the_next_run_ends_it(
    demo: Path, tmp_path: Path, expected: dict[str, str], sent: signal.Signals
):
    gate = tmp_path / "gate"
    space = init(demo, tmp_path, gate=str(gate))
    process = start(space)
    wait_for(lambda: list(space.glob("results/**/*.bin")))
    left = workers(space)
    left += trackers_of(left)
    # To the program alone: what follows must be its own doing.
    os.kill(process.pid, sent)
    process.communicate(timeout=180)
    assert process.returncode == (130 if sent == signal.SIGINT else -sent)
    wait_for(lambda: not alive(left))
    finished = trajectories(space)
    assert 1 <= len(finished) < 8
    gate.touch()
    assert main(["run", str(space), "Jitter", "--jobs", "2"]) == 0
    assert trajectories(space) == expected


def test_a_failing_tracker_does_not_stop_the_others(demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    space = init(demo, tmp_path, fail_in="twins")
    assert main(["run", str(space), "Jitter", "--jobs", "2"]) == 1
    printed = capsys.readouterr()
    assert "2 of 3 jobs ended" in printed.out
    assert "Jitter baseline twins:" in printed.err
    assert "initialisation 1" in printed.err
    assert len(trajectories(space)) == 4


def test_a_full_disk_loses_nothing_that_ended(
    demo: Path, tmp_path: Path, expected: dict[str, str], capfd: pytest.CaptureFixture[str]
):
    small = tmp_path / "small"
    small.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", small], capture_output=True, check=False)
    if mount.returncode:
        pytest.skip("skipped: only root can make a small disk")
    try:
        space = init(demo, small)
        filler = small / "filler"
        room = os.statvfs(small)
        filler.write_bytes(bytes(room.f_bavail * room.f_frsize - 90_000))
        assert main(["run", str(space), "Jitter", "--jobs", "2"]) == 1
        printed = capfd.readouterr()
        assert "No space left on device" in printed.out + printed.err
        early = {name: value for name, value in trajectories(space).items() if value in expected.values()}
        filler.unlink()
        assert main(["run", str(space), "Jitter", "--jobs", "2"]) == 0
        assert trajectories(space) == expected
        assert early.items() <= expected.items()
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_damaged_dataset_is_reported_before_a_run(demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(demo, copy)
    (copy / "turning" / "color" / "00000007.jpg").write_bytes(b"not a picture")
    truth = copy / "twins" / "groundtruth.txt"
    truth.write_text("".join(truth.read_text().splitlines(keepends=True)[:-2]))
    registry = jitter_registry(tmp_path)
    assert main(["init", str(tmp_path / "space"), "--dataset", str(copy), "--registry", str(registry)]) == 1
    out = capsys.readouterr().err
    assert "turning" in out
    assert "00000007.jpg cannot be read" in out
    assert "groundtruth.txt has 24 boxes, twins 26 frames" in out
