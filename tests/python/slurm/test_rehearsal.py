"""The whole of VOT-2016, 60 sequences with 15 repetitions, as a job array on a cluster whose nodes are killed.

No tracker runs: a stub replays the regions that DAT's authors published, in a share of their seconds, and each sequence
is an eighth of its length. What is real is everything around it: the toolkit, the plan, the jobs, Slurm, the restarts.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from conftest import PROJECT
from test_run import trajectories

from attrax_vot.cli import main
from attrax_vot.run import evaluate, runner, workspace
from slurm.cluster import NODES, Cluster
from slurm.test_slurm import cluster, wait_for  # noqa: F401 - a fixture

STUB = Path(__file__).parents[1] / "replay_stub.py"
# Of each recorded second.
SHARE = 0.01
PART = 8
KILLS = 4


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


def test_a_whole_evaluation_whose_nodes_are_killed(shared: Path, tmp_path: Path, cluster: Cluster, capfd):  # noqa: F811
    space = prepare(shared, tmp_path)
    command = [sys.executable, "-m", "attrax_vot", "run", str(space), "Stub", "--no-estimate"]
    command += ["--slurm", "--partition", "short", "--threads", "1", "--minutes", "60"]
    environment = {**cluster.environment, "PYTHONPATH": str(PROJECT / "evaluation")}
    began = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        for kill in range(KILLS):
            there = len(trajectories(space))
            wait_for(lambda: len(trajectories(space)) >= there + 100, 900, cluster)  # noqa: B023 - called at once
            victim = NODES[kill % 2]
            cluster.kill_node(victim)
            look = ["sinfo", "--noheader", "-N", "-n", victim, "--format", "%T"]
            wait_for(lambda: "down" in cluster.run(*look), 60, cluster)  # noqa: B023
            cluster.start_node(victim)
        out, error = process.communicate(timeout=1800)
    finally:
        process.kill()
        process.wait()
    took = time.monotonic() - began
    assert process.returncode == 0, f"{out}\n{error}\n{cluster.logs()}"
    assert "60 of 60 jobs ended" in out
    again = next(line for line in out.splitlines() if line.startswith("jobs were started again"))
    # All were one array.
    assert "--array=0-59" in "".join(
        file.read_text().replace(" ", "") for file in (space / ".attrax").rglob("*submission*.sh")
    )
    # 900 whole repetitions, none of them twice the same: each has drawn from its own count of initialisations.
    found = trajectories(space)
    assert len(found) == len(set(found.values())) == 900
    opened = workspace.load(space)
    experiment = evaluate.supervised(opened)
    stub = evaluate.find_tracker(opened, "Stub")
    assert not any(runner.pending(experiment, stub, each) for each in runner.sequences_of(opened, experiment))
    # Again, on paper: as long as the stub's own seconds say, on as many machines as ran at a time.
    slots = str(2 * (os.cpu_count() or 1))
    with (space / "trackers.ini").open("a") as registry:
        registry.write("\n[Again]\nprotocol = trax\ncommand = again\n")
    capfd.readouterr()
    assert main(["plan", str(space), "Again", "--like", "Stub", "--slots", slots]) == 0
    simulated = capfd.readouterr().out
    with capfd.disabled():
        print(f"\n{simulated}took {took:.0f} s, {slots} at a time; {again}")
