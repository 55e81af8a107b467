"""The simulation of a run on a cluster, and its command on the whole of VOT-2016."""

from pathlib import Path

import pytest

from attrax_vot.cli import main
from attrax_vot.run.jobs import Job
from attrax_vot.run.plan import Machines, simulate, stated


def job(name: str, frames: int, missing: int) -> Job:
    return Job("", "T", "baseline", name, missing, missing, frames, 1)


def test_without_failures_it_is_arithmetic():
    jobs = [job("a", 100, 3), job("b", 50, 2), job("c", 40, 1)]
    # A repetition takes a second for each frame, and ten for two initialisations.
    one = simulate(jobs, stated(1.0, 5.0), Machines(1))
    assert (one.seconds, one.work, one.lost, one.restarts, one.idle) == (500, 500, 0, 0, 0)
    two = simulate(jobs, stated(1.0, 5.0), Machines(2))
    assert two.seconds == 330 and two.idle == pytest.approx(1 - 500 / 660)
    # No number of machines is faster than the longest job.
    assert simulate(jobs, stated(1.0, 5.0), Machines(64)).seconds == 330


def test_a_failure_costs_a_repetition_at_most():
    jobs = [job(str(index), 1000, 15) for index in range(20)]
    calm, rough = (simulate(jobs, stated(1.0, 5.0), Machines(4, hours), seed=1) for hours in (None, 2.0))
    assert rough.restarts > 10 and rough.work == calm.work
    assert 0 < rough.lost <= rough.restarts * (1010 + 120)
    # 300 repetitions of 1010 s, a failure every 7200 s: about 300 * 1010 / 7200 of them.
    assert rough.restarts == pytest.approx(300 * 1010 / 7200, rel=0.5)


def test_the_command(shared: Path, tmp_path: Path, registry: Path, capsys: pytest.CaptureFixture[str]):
    common = ["--dataset", str(shared / "vot2016-annotations"), "--registry", str(registry)]
    assert main(["init", str(tmp_path), *common, "--experiments", "baseline"]) in (0, 1)
    capsys.readouterr()
    assert main(["plan", str(tmp_path), "Jitter", "--frame", "0.1", "--init", "1", "--fails-every", "100"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("60 jobs, 900 repetitions, 321")
    assert [line.split()[0] for line in out[2:]] == ["1", "8", "64"]
    assert main(["plan", str(tmp_path), "Jitter", "--frame", "1", "--init", "1", "--slots", "0"]) == 1
    assert "--slots takes numbers from 1 on" in capsys.readouterr().err
