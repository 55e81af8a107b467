"""The whole of VOT-2016, 60 sequences with 15 repetitions, as a job array on a cluster whose nodes are killed.

No tracker runs: a stub replays the regions that DAT's authors published, in a share of their seconds, and each sequence
is an eighth of its length. What is real is everything around it: the toolkit, the plan, the jobs, Slurm, the restarts.
`REHEARSAL` says how many jobs run at a time.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PROJECT
from test_run import trajectories

from attrax_vot.cli import main
from attrax_vot.run import runner
from attrax_vot.run.opened import OpenWorkspace
from slurm.cluster import NODES, Cluster, missing
from slurm.test_slurm import wait_for

STUB = Path(__file__).parents[1] / "replay_stub.py"
AT_A_TIME = int(os.environ.get("REHEARSAL", "8"))
# Of each recorded second.
SHARE = 0.02
# One frame of this number is left, or ten.
PART = 8
KILLS = 4
AGAIN = re.compile(r"jobs were started again (\d+) times: (\d+\.\d) % of the time at work was lost")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A Slurm of two nodes, with as many cores as there are to be jobs at a time."""
    if reason := missing():
        pytest.skip(f"skipped: no cluster: {reason}")
    with Cluster(tmp_path / "cluster", cores=max(1, AT_A_TIME // len(NODES))) as running:
        yield running


def dataset(annotations: Path, directory: Path) -> Path:
    """The first part of every sequence's ground truth."""
    names = (annotations / "list.txt").read_text().split()
    for name in names:
        (directory / name).mkdir(parents=True)
        lines = (annotations / name / "groundtruth.txt").read_text().splitlines(keepends=True)
        (directory / name / "groundtruth.txt").write_text("".join(lines[: max(10, len(lines) // PART)]))
    shutil.copy(annotations / "list.txt", directory)
    return directory


def prepare(shared: Path, folder: Path) -> Path:
    """A workspace with the stub in it."""
    registry = folder / "stub.ini"
    recorded = shared / "vot2016-results" / "DAT" / "baseline"
    registry.write_text(
        f"[Stub]\nprotocol = trax\ncommand = {sys.executable} {STUB}\nenv_REPLAY = {recorded}\nenv_SHARE = {SHARE}\n"
    )
    given = dataset(shared / "vot2016-annotations", folder / "dataset")
    common = ["--dataset", str(given), "--registry", str(registry), "--experiments", "baseline"]
    # There are no frames, which it tells.
    assert main(["init", str(folder / "space"), *common]) == 1
    # Without frames their size is unknown: any that no region leaves does.
    for described in (folder / "space" / "sequences").glob("*/sequence"):
        described.write_text(described.read_text().replace("=1\n", "=4000\n"))
    return folder / "space"


def rehearse(space: Path, cluster: Cluster) -> tuple[str, float]:
    """Runs all of it and kills the nodes in turn; what the command printed, and its seconds."""
    command = [sys.executable, "-m", "attrax_vot", "run", str(space), "Stub", "--no-estimate"]
    command += ["--slurm", "--partition", "short", "--threads", "1", "--minutes", "60"]
    environment = {**cluster.environment, "PYTHONPATH": str(PROJECT / "evaluation")}
    began = time.monotonic()
    # Into files: a program that writes to a pipe without a reader waits for ever.
    said = [space / "out.log", space / "err.log"]
    with said[0].open("w") as out, said[1].open("w") as error:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=error)
    try:
        for kill in range(KILLS):
            # Repetitions end all the time, of which the nodes' deaths meet some in the middle.
            more = (kill + 1) * 900 // (KILLS + 1)
            wait_for(lambda: len(trajectories(space)) >= more, 600, cluster)  # noqa: B023 - called at once
            victim = NODES[kill % len(NODES)]
            cluster.kill_node(victim)
            look = ["sinfo", "--noheader", "-N", "-n", victim, "--format", "%T"]
            wait_for(lambda: "down" in cluster.run(*look), 60, cluster)  # noqa: B023
            cluster.start_node(victim)
        process.wait(timeout=900)
    finally:
        process.kill()
        process.wait()
    took = time.monotonic() - began
    out, error = (path.read_text() for path in said)
    assert process.returncode == 0, f"{out}\n{error}\n{cluster.logs()}"
    return out, took


def on_paper(space: Path, *flags: str) -> list[str]:
    """What `plan` prints of a tracker without results that takes as long as the stub did."""
    command = [sys.executable, "-m", "attrax_vot", "plan", str(space), "Again", "--like", "Stub", *flags]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "evaluation")}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.splitlines()


def test_a_whole_evaluation_whose_nodes_are_killed(
    shared: Path, tmp_path: Path, cluster: Cluster, capfd: pytest.CaptureFixture[str]
):
    space = prepare(shared, tmp_path)
    # Its complaints would hide what failed.
    capfd.readouterr()
    out, took = rehearse(space, cluster)
    assert "60 of 60 jobs ended" in out
    again = AGAIN.search(out)
    assert again, out
    # Each death met a job at least, and none cost more than the repetitions at work.
    assert int(again[1]) >= KILLS
    assert 0 < float(again[2]) < 50
    # All were one array. A node that returns may kill a job that has just been started again: that
    # follows by itself.
    scripts = [path.read_text() for path in (space / ".attrax").rglob("*submission*.sh")]
    assert any("--array=0-59" in script for script in scripts)
    # 900 whole repetitions, none of them twice the same: each has drawn from its own count of
    # initialisations.
    found = trajectories(space)
    assert len(found) == len(set(found.values())) == 900
    opened = OpenWorkspace(space)
    stub = opened.run(opened.needed(), opened.tracker("Stub"))
    assert not any(runner.pending(stub, each) for each in stub.sequences)

    # Again, on paper.
    with (space / "trackers.ini").open("a") as registry:
        registry.write("\n[Again]\nprotocol = trax\ncommand = again\n")
    head, *calm = on_paper(space, "--slots", f"1,{AT_A_TIME},64")
    assert head.startswith("60 jobs, 900 repetitions")
    with capfd.disabled():
        print(f"\n{AT_A_TIME} at a time took {took:.0f} s; {again[0]}; on paper, without failures:", *calm, sep="\n")
