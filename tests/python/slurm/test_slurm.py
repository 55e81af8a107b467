"""A run on a cluster, one node of which dies: the same files as a run on this machine."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import PROJECT, jitter_registry
from test_run import trajectories

from attrax_vot.cli import main
from slurm.cluster import NODES, Cluster, missing


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A Slurm of two nodes."""
    if reason := missing():
        pytest.skip(f"skipped: no cluster: {reason}")
    with Cluster(tmp_path / "cluster") as running:
        yield running


def wait_for(condition: Callable[[], object], seconds: float, cluster: Cluster) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited too long\n{cluster.logs()}"
        time.sleep(0.2)


def jobs_on(cluster: Cluster, node: str) -> list[str]:
    return cluster.run("squeue", "--noheader", "--format", "%A", "--nodelist", node, "--states", "RUNNING").split()


def test_a_node_dies_and_its_jobs_end_elsewhere(demo: Path, tmp_path: Path, cluster: Cluster):
    local = tmp_path / "local"
    registry = jitter_registry(tmp_path, delay="0.1")
    base = ["--tracker", "Jitter", "--registry", str(registry), "--repetitions", "3"]
    assert main(["evaluate", str(demo), *base, "--workspace", str(local)]) == 0

    space = tmp_path / "space"
    arguments = ["init", str(space), "--dataset", str(demo), "--registry", str(registry)]
    assert main([*arguments, "--experiments", "baseline", "--repetitions", "3"]) == 0
    command = [sys.executable, "-m", "attrax_vot", "run", str(space), "Jitter", "--slurm", "--partition", "short"]
    # As many cores as a node has: one job at a time on each.
    command += ["--threads", str(os.cpu_count()), "--minutes", "10"]
    environment = {**cluster.environment, "PYTHONPATH": str(PROJECT / "evaluation")}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        victim = NODES[0]
        wait_for(lambda: all(jobs_on(cluster, node) for node in NODES), 120, cluster)
        struck = jobs_on(cluster, victim)
        wait_for(lambda: list(space.glob("results/**/*.bin")), 120, cluster)
        cluster.kill_node(victim)
        wait_for(
            lambda: "down" in cluster.run("sinfo", "--noheader", "-N", "-n", victim, "--format", "%T"), 60, cluster
        )
        cluster.start_node(victim)
        out, error = process.communicate(timeout=400)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, f"{out}\n{error}\n{cluster.logs()}"
    assert "3 of 3 jobs ended" in out
    assert struck
    assert "requeue" in (cluster.folder / "slurmctld.log").read_text().lower()
    assert trajectories(space) == trajectories(local)
