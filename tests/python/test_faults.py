"""Faults at every place of a small run: a write that fails, a full disk, a kill.

Nothing that was there is lost, and the next run ends with the bytes of an undisturbed one.

The faults are made by a library that is preloaded into the real programs (`faults/faults.c`).
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attack_files
import pytest
from conftest import PROJECT, installed, jitter_registry

from attrax_vot.cli import main

ATTRAX = PROJECT / "out" / "bin" / "attrax"
FAULTS = Path(__file__).with_name("faults")
#: The errors that the library makes.
ERRORS = ("No space left on device", "Input/output error")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes faults."""
    path = tmp_path_factory.mktemp("faults") / "faults.so"
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror"]
    subprocess.run([installed("gcc", "cc"), *flags, "-o", path, FAULTS / "faults.c", "-ldl"], check=True)
    return path


def track(folder: Path, library: Path, place: int, kind: str) -> subprocess.CompletedProcess[str]:
    """`attrax track` of two frames into `folder/out`, with a fault at some place."""
    quick = ["--config", PROJECT / "tests" / "data" / "quick.toml", "--threads", "1"]
    outputs = ["--out", "out/boxes.csv", "--profile", "out/profile.json", "--overlay", "out/overlay"]
    fault = {"FAULT_UNDER": str(folder / "out"), "FAULT_AT": str(place), "FAULT_WITH": kind}
    environment = {**os.environ, **fault, "FAULT_COUNT": str(folder / "count"), "LD_PRELOAD": str(library)}
    return subprocess.run(
        [ATTRAX, "track", folder.parent / "frames", "--box", "20,16,24,18", *outputs, *quick],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def outputs(folder: Path) -> dict[str, bytes]:
    """What `attrax track` wrote, but not the profile, which holds times."""
    files = [path for path in sorted((folder / "out").rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder / "out")): path.read_bytes() for path in files if "profile" not in path.name}


@pytest.mark.skipif(not ATTRAX.exists(), reason="skipped: out/bin/attrax is not built: make build")
def test_track_with_a_fault_at_every_place(library: Path, tmp_path: Path):
    attack_files.frames(tmp_path / "frames", 2)

    def prepared(name: str) -> Path:
        folder = tmp_path / name
        (folder / "out").mkdir(parents=True)
        for output in ("boxes.csv", "profile.json"):
            (folder / "out" / output).write_text("older\n")
        return folder

    whole = prepared("whole")
    assert track(whole, library, 0, "none").returncode == 0
    count, expected = int((whole / "count").read_text()), outputs(whole)
    rows = expected["boxes.csv"].splitlines(keepends=True)
    assert count > 12 and len(rows) == 3

    def check(place: int, kind: str) -> None:
        folder = prepared(f"{kind}{place}")
        ended = track(folder, library, place, kind)
        left = outputs(folder)
        if kind == "kill":
            assert ended.returncode == -signal.SIGKILL, (place, ended)
        elif ended.returncode == 0:
            # On a full disk the last rename still works.
            assert kind == "full" and left == expected, (place, ended)
        else:
            assert ended.returncode == 1, (place, ended)
            assert ended.stderr.count(f": {ERRORS[kind == 'error']}") == 1, (place, ended)
            assert "panicked" not in ended.stderr, (place, ended)
        # The older files, or whole new ones.
        assert left["boxes.csv"] in (b"older\n", expected["boxes.csv"]), place
        profile = (folder / "out" / "profile.json").read_text()
        assert profile == "older\n" or json.loads(profile), place
        for name, data in left.items():
            if name.startswith("overlay/") and kind != "kill":
                assert data == expected[name], (place, name)
            elif name.endswith(".part"):
                assert expected["boxes.csv"].startswith(data), (place, name)
                assert kind == "kill" or data.count(b"\n") > 1, (place, name)
                (folder / "out" / name).unlink()
        again = track(folder, library, 0, "none")
        assert again.returncode == 0, (place, again)
        assert outputs(folder) == expected, place

    places = [(place, ("full", "error", "kill")[place % 3]) for place in range(1, count + 1, 2)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda each: check(*each), places))


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of one sequence of four frames and two repetitions, with the folders that every run makes."""
    directory = tmp_path_factory.mktemp("small")
    attack_files.sequence(directory / "data" / "one", 4)
    (directory / "data" / "list.txt").write_text("one\n")
    space, registry = directory / "space", jitter_registry(directory)
    arguments = ["init", str(space), "--dataset", str(directory / "data"), "--registry", str(registry)]
    assert main([*arguments, "--experiments", "baseline", "--repetitions", "2"]) == 0
    for kind in ("locks", "status"):
        (space / ".attrax" / kind / "Jitter" / "baseline").mkdir(parents=True)
    (space / "results" / "Jitter" / "baseline").mkdir(parents=True)
    return space


def tries(space: Path, library: Path, copy: Path, kinds: str, first: int, step: int) -> subprocess.Popen[str]:
    """Starts the worker's tries at some places."""
    environment = {**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": str(PROJECT / "evaluation")}
    arguments = [str(space), str(copy), str(library), kinds, str(first), str(step)]
    command = [sys.executable, str(FAULTS / "work.py"), *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> Iterator[dict]:
    """The lines of a process that ends well."""
    try:
        out, err = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 0, out + err
    assert "Traceback" not in err, err
    yield from map(json.loads, out.splitlines())


def test_a_worker_with_a_fault_at_every_place(library: Path, space: Path, tmp_path: Path):
    kinds = "full,error,kill"
    running = [tries(space, library, tmp_path / f"copy{first}", kinds, first, 2) for first in (1, 2)]
    rows = sorted((row for process in running for row in said(process)), key=lambda row: row["place"])
    expected = rows[-1]["left"]
    assert len(expected) == 6 and rows[-1]["faulty"]["error"] == ""
    assert len(rows) > 20
    for row in rows:
        faulty, at = row["faulty"], (row["place"], row["kind"])
        assert row["resumed"]["status"] == 0 and row["resumed"]["error"] == "", row
        assert row["content"] == expected, at
        if faulty["status"]:
            assert row["kind"] == "kill" and faulty["status"] == -signal.SIGKILL, at
        else:
            # The number of calls differs a little: the state of a job is noted by the clock.
            assert row["kind"] != "kill" or faulty["calls"] < row["place"], at
            # Either the job says why it did not end, or all of its results are there.
            assert any(error in faulty["error"] for error in ERRORS) or row["left"] == expected, row


def test_a_worker_that_is_killed_at_every_third_frame(library: Path, space: Path, tmp_path: Path):
    running = tries(space, library, tmp_path / "copy", "frame", 1, 3)
    rows = list(said(running))
    assert [row["faulty"]["status"] for row in rows] == [-signal.SIGKILL] * (len(rows) - 1) + [0]
    assert [row["content"] for row in rows] == [rows[-1]["left"]] * len(rows)
