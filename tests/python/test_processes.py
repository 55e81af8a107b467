"""Processes are found and ended, also where their parent has ended."""

import subprocess
import time

from attrax_vot.run import processes


def test_descendants_are_found_and_ended():
    # A shell that ignores TERM, and its child.
    shell = subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 60 & wait; sleep 60"])
    try:
        deadline = time.monotonic() + 20
        while len(processes.descendants(shell.pid)) < 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        found = [processes.find(shell.pid), *processes.descendants(shell.pid)]
        assert len(found) == 2
        assert set(found) <= set(processes.descendants())
        assert all(map(processes.alive, found))
        processes.end_all(found, grace=0.2)
        deadline = time.monotonic() + 20
        # The shell is a zombie until it is waited for: it counts as ended.
        while any(map(processes.alive, found)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not any(map(processes.alive, found))
        # Its exit status is still there for those who started it.
        assert shell.wait() == -9
    finally:
        shell.kill()
        shell.wait()
    assert not processes.alive(found[0]) and processes.find(shell.pid) is None
    assert processes.descendants(shell.pid) == []
    # Another process that gets the number would not be ended in its place.
    processes.end_all(found)


def test_orphans_end_with_the_block():
    """Processes that a tracker has started and not ended, whose parent has ended."""
    with processes.adopting():
        left = subprocess.run(["sh", "-c", "sleep 60 >&- & echo $!"], stdout=subprocess.PIPE, check=True)
        orphan = processes.find(int(left.stdout))
        assert orphan in processes.descendants()
    deadline = time.monotonic() + 20
    while processes.alive(orphan) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not processes.alive(orphan)
