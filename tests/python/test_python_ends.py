"""How programs let go of an `attrax.Tracker`, and how its process ends."""

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT
from python_api import BINARY, BOX, QUICK

from attrax import Tracker, TrackerError

pytestmark = pytest.mark.skipif(not BINARY.is_file(), reason="skipped: out/bin/attrax is not built")


HEAD = """
import gc, multiprocessing, os, signal, sys, threading, time
from attrax import Tracker, TrackerError
from attrax.adapters import Got10kTracker, OpenCvTracker
first, second, config = sys.argv[1:4]
box = (58.0, 51.0, 64.0, 78.0)

def start(cls=Tracker):
    tracker = cls(config=config)
    tracker.init(first, box)
    return tracker

def look(results, tracker, times=1):
    for _ in range(times):
        results.append(tracker.update(second)[1])
"""
# Each program lets go of a tracker in another way; what it prints is compared.
WAYS = {
    "at the end of the program": ("t = start(); print(len(t.update(second)))", "3"),
    "by del": ("t = start(); del t; print('gone')", "gone"),
    "at the end of a function": ("def f():\n    t = start()\n    t.update(second)\nf(); print('gone')", "gone"),
    "in a cycle": ("t = start(); t.itself = t; p = t._link.process; del t; gc.collect(); print(p.returncode)", "0"),
    "in a cycle at the end": ("t = start(); t.itself = t; gc.disable(); print('on')", "on"),
    "by sys.exit": ("t = start(); print('on'); sys.exit(0)", "on"),
    "by os._exit": ("t = start(); print('on', flush=True); os._exit(0)", "on"),
    "in a frame of an exception": (
        "def f():\n    t = start()\n    raise KeyError\n"
        "try:\n    f()\nexcept KeyError as error:\n    e = error\nprint('on')",
        "on",
    ),
    "in a thread": (
        "r = []; t = start(); ths = [threading.Thread(target=look, args=(r, t, 3)) for _ in range(3)]\n"
        "[th.start() for th in ths]; [th.join() for th in ths]; print(len(r))",
        "9",
    ),
    "in a daemon thread at work": (
        "t = start(); th = threading.Thread(target=look, args=([], t, 10**6), daemon=True); th.start()\n"
        "time.sleep(0.2); print('on')",
        "on",
    ),
    "closed by another thread": (
        "t = start(); threading.Timer(0.1, t.close).start()\n"
        "try:\n    look([], t, 10**6)\nexcept TrackerError as error:\n    print('init' in str(error))",
        "True",
    ),
    "in a process of multiprocessing": (
        "def f(q):\n    q.put(start().update(second).found)\n"
        "c = multiprocessing.get_context('fork'); q = c.Queue(); p = c.Process(target=f, args=(q,)); p.start()\n"
        "print(type(q.get()).__name__); p.join(); print(p.exitcode)",
        "bool 0",
    ),
    "after a fork": (
        "t = start(); pid = os.fork()\n"
        "if pid == 0:\n"
        "    try:\n        t.update(second)\n    except TrackerError as error:\n        print(error, flush=True)\n"
        "    t.init(first, box); t.update(second); sys.exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])); print(len(t.update(second)))",
        "the target is followed in the parent process; this one calls init first 7 3",
    ),
    "with an alarm every millisecond": (
        "n = []; signal.signal(signal.SIGALRM, lambda *_: n.append(1))\n"
        "signal.setitimer(signal.ITIMER_REAL, .001, .001)\n"
        "t = start(); look([], t, 5); signal.setitimer(signal.ITIMER_REAL, 0); print(len(n) > 3)",
        "True",
    ),
    "with Ctrl-C at several moments": (
        # A shell's job in the background ignores it.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "for delay in (.003, .01, .03, .1):\n"
        "    t = start()\n"
        "    if os.fork() == 0:\n        time.sleep(delay); os.kill(os.getppid(), signal.SIGINT); os._exit(0)\n"
        "    try:\n        while True:\n            t.update(second)\n"
        "    except KeyboardInterrupt:\n        print('interrupted')\n"
        "t.init(first, box); print(len(t.update(second)))",
        "interrupted interrupted interrupted interrupted 3",
    ),
    "as OpenCV's": (
        "import cv2; t = OpenCvTracker(config=config)\n"
        "t.init(cv2.imread(first), box); t.update(cv2.imread(second)); print('on')",
        "on",
    ),
    "as got10k's": ("t = start(Got10kTracker); t.update(second); print('on')", "on"),
    "the adapter by with": (
        "with Got10kTracker(config=config) as t:\n"
        "    t.init(first, box); p = t.tracker._link.process\nprint(p.returncode)",
        "0",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_program_ends_quietly_however_it_lets_go(way: str, frames: list[Path]) -> None:
    program, expected = WAYS[way]
    command = [sys.executable, "-X", "dev", "-c", HEAD + program, *map(str, frames[:2]), str(QUICK)]
    variables = os.environ | {"PYTHONPATH": str(PROJECT / "evaluation")}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    assert " ".join(done.stdout.split()) == expected


def test_the_end_writes_into_no_other_file(frames: list[Path], tmp_path: Path) -> None:
    """vot-trax's own finalizer says quit to a descriptor that may be another file's by then."""
    trackers = [Tracker(config=QUICK) for _ in range(2)]
    for tracker in trackers:
        tracker.init(frames[0], BOX)
    del tracker
    trackers.clear()
    gc.collect()
    with (tmp_path / "file").open("w+b") as file, (tmp_path / "other").open("w+b") as other:
        gc.collect()
        assert (file.read(), other.read()) == (b"", b"")


@pytest.mark.parametrize(
    ("number", "reason"), [(signal.SIGKILL, "was killed .* memory"), (signal.SIGTERM, "ended by SIGTERM")]
)
def test_a_killed_process_is_a_sentence(number: signal.Signals, reason: str, frames: list[Path]) -> None:
    with Tracker(config=QUICK) as tracker:
        tracker.init(frames[0], BOX)
        tracker._link.process.send_signal(number)
        tracker._link.process.wait()
        with pytest.raises(TrackerError, match=reason):
            tracker.update(frames[1])
        with pytest.raises(TrackerError, match="init comes before update"):
            tracker.update(frames[1])
        tracker.init(frames[0], BOX)
        assert len(tracker.update(frames[1])) == 3


def test_no_process_is_left(frames: list[Path]) -> None:
    tracker = Tracker(config=QUICK)
    tracker.init(frames[0], BOX)
    process = tracker._link.process
    tracker.close()
    assert process.poll() == 0
