"""Processes are found and ended, also where there is no `/proc`, by POSIX's `ps`, and where their parent has ended."""

import os
import subprocess
import time
from pathlib import Path

import pytest
from conftest import installed

from attrax_vot.run import processes


@pytest.fixture(params=["/proc", "nowhere"], autouse=True)
def proc(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "nowhere":
        installed("procps", "ps")
    monkeypatch.setattr(processes, "PROC", Path(request.param))


def test_descendants_are_found_and_ended():
    # A shell that ignores TERM, and its child.
    shell = subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 60 & wait; sleep 60"])
    try:
        deadline = time.monotonic() + 20
        while len(processes.descendants(shell.pid)) < 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        found = [shell.pid, *processes.descendants(shell.pid)]
        assert len(found) == 2
        assert set(found) <= set(processes.descendants(os.getpid()))
        assert all(map(processes.alive, found))
        processes.end_all(found, grace=0.2)
        deadline = time.monotonic() + 20
        # The shell is a zombie until it is waited for: it counts as ended.
        while any(map(processes.alive, found)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not any(map(processes.alive, found))
    finally:
        shell.kill()
        shell.wait()
    assert not processes.alive(shell.pid)


def test_orphans_end_with_the_block():
    """Processes that a tracker has started and left behind, whose parent has ended."""
    with processes.adopting():
        left = subprocess.run(["sh", "-c", "sleep 60 >&- & echo $!"], stdout=subprocess.PIPE, check=True)
        orphan = int(left.stdout)
        assert orphan in processes.descendants(os.getpid())
    deadline = time.monotonic() + 20
    while processes.alive(orphan) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not processes.alive(orphan)
