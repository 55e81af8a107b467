"""What a person sees in a terminal: tables and bars that stay in place, in an emulator of one."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from conftest import PROJECT, jitter_registry, shorten
from test_track_walk import ATTRAX, BOX, QUICK, frames

from attrax_vot.cli import main
from attrax_vot.run.jobs import Job
from attrax_vot.run.live import LiveTable, layout
from attrax_vot.run.notes import Note
from attrax_vot.run.parallel import JobState
from attrax_vot.run.runner import Outcome

pyte = pytest.importorskip("pyte", reason="skipped: pyte is not on the path; scripts/test-tools installs it")
#: Seconds that anything may take; the machine may be busy with something else.
PATIENCE = 180.0


class Terminal:
    """A terminal of some size."""

    def __init__(self, columns: int, lines: int = 20):
        self.screen = pyte.HistoryScreen(columns, lines, history=5000)
        self.stream = pyte.ByteStream(self.screen)
        self.ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.text = b""

    def read(self, seconds: float = 0.0) -> bool:
        """Shows what has been written; false where there is nothing."""
        if not select.select([self.ours], [], [], seconds)[0]:
            return False
        try:
            part = os.read(self.ours, 1 << 16)
        except OSError:
            return False
        self.text += part
        self.stream.feed(part)
        return bool(part)

    def seen(self) -> str:
        """The screen."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def close(self) -> None:
        """Hangs up."""
        for end in (self.ours, self.theirs):
            os.close(end)


def progress(number: int, frame: int, state: str) -> JobState:
    """A job with a long name."""
    names = f"a-tracker-with-a-long-name-{number}", "baseline", f"a-sequence-of-vot-{number}"
    job = Job("/space", *names, 15, 15, 500, 1)
    outcome = Outcome(job.sequence, ran=[1]) if state == "done" else None
    return JobState(job, state, Note(1, frame, 3, frame, 0, 10.0 + frame), 1, outcome)


@pytest.mark.parametrize("columns", [20, 60, 80, 120])
def test_the_live_table_stays_in_place(columns: int):
    terminal = Terminal(columns)
    with os.fdopen(os.dup(terminal.theirs), "w") as out:
        table = LiveTable(out)
        for frame in range(60):
            # More jobs than lines; one of them ends on the way.
            first = progress(0, frame, "done" if frame > 30 else "running")
            table([first, *(progress(number, frame, "running") for number in range(1, 30)), progress(30, 0, "waiting")])
            while terminal.read():
                pass
            lines = terminal.seen().splitlines()
            assert sum(line.startswith("tracker") for line in lines) == 1, terminal.seen()
            assert lines[-1].startswith(("29 running", "30 running")[: 2 - (frame > 30)] if columns > 20 else "")
    # Of a hundred lines the one of the job that ended has left the screen, at most.
    assert len(terminal.screen.history.top) <= 1 + 120 // columns
    terminal.close()


def test_rows_fit_any_terminal():
    for columns in range(45, 200):
        widths = layout(columns)
        assert sum(widths) + sum(map(bool, widths)) - 1 <= columns
        # Names and the frame are always there.
        assert all(widths[index] for index in (0, 1, 3))
    assert all(layout(119)) and all(layout(79))


def test_ctrl_c_ends_a_run_with_a_sentence(demo: Path, tmp_path: Path):
    data = shorten(demo, tmp_path / "data", {"turning": 20, "twins": 20})
    space = tmp_path / "space"
    registry = jitter_registry(tmp_path, DELAY="0.5")
    options = ["--registry", str(registry), "--experiments", "baseline", "--repetitions", "1"]
    assert main(["init", str(space), "--dataset", str(data), *options]) == 0
    terminal = Terminal(80)
    command = [sys.executable, "-m", "attrax_vot", "run", space, "Jitter", "--jobs", "2", "--no-estimate"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "evaluation")}
    ends = dict.fromkeys(("stdin", "stdout", "stderr"), terminal.theirs)
    with subprocess.Popen(["setsid", "--ctty", *command], **ends, env=environment) as process:
        end = time.monotonic() + PATIENCE
        while " 2/20" not in terminal.seen():
            assert time.monotonic() < end and process.poll() is None, terminal.seen()
            terminal.read(0.2)
        # As the key does: to the program and all of its children.
        os.write(terminal.ours, b"\x03")
        while process.poll() is None:
            assert time.monotonic() < end, terminal.seen()
            terminal.read(0.1)
    while terminal.read(0.1):
        pass
    assert process.returncode == 130
    said = terminal.text.decode(errors="replace")
    assert "Traceback" not in said and "Error" not in said, said
    # The terminal itself shows the key, wherever its cursor is, so that the sentence may go over a
    # line's end.
    last = "".join(terminal.seen().splitlines()[-2:])
    assert last.endswith("SIGINT: what has ended is kept, and running again goes on from there")
    terminal.close()


@pytest.mark.skipif(not ATTRAX.is_file(), reason="out/bin/attrax is not built: make build")
def test_the_bar_of_attrax_track_stays_in_place(tmp_path: Path):
    clip = frames(tmp_path / "frames", 12)
    for columns in (40, 80):
        terminal = Terminal(columns)
        command = [ATTRAX, "track", clip, "--box", BOX, *QUICK]
        environment = {**os.environ, "TERM": "xterm"}
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=terminal.theirs, env=environment) as process:
            most = 0
            while process.poll() is None or terminal.read():
                terminal.read(0.05)
                most = max(most, len(terminal.seen().splitlines()))
        assert process.returncode == 0
        # One line while it is at work, and none of it left in the history.
        assert most <= 2 and not terminal.screen.history.top, terminal.seen()
        assert b"frames" in terminal.text or b"learning" in terminal.text
        terminal.close()
