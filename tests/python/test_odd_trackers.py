"""Trackers whose output or answers are odd are run, or end with a sentence that says what they did."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from attack_files import sequence
from odd_datasets import Command

from attrax_vot.run import relay, runner
from attrax_vot.run.opened import OpenWorkspace

# The argument says what is odd.
TRACKER = """
import os, sys
kind = sys.argv[1]
hello = '"trax.version=4" "trax.name=odd" "trax.region=rectangle;" "trax.image=path;" "trax.channels=color;"'
if kind == "bar":
    sys.stderr.buffer.write("l\\u00e4dt 50%|\\u2588\\u2588\\u2588  |\\n".encode() + b"\\xe9\\n")
    sys.stderr.flush()
print("@@TRAX:hello", hello, flush=True)
for number, line in enumerate(line for line in sys.stdin if line.startswith("@@TRAX:")):
    if "quit" in line:
        break
    if kind == "bar":
        sys.stderr.buffer.write("\\r\\u2588\\n".encode())
        sys.stderr.flush()
    if kind == "dies" and number == 2:
        print("x" * 1000, file=sys.stderr, flush=True)
        os._exit(7)
    print('@@TRAX:state "%s"' % ("" if kind == "empty" else "20,16,24,18"), flush=True)
"""
SAID = {
    "bar": "",
    # The second one where the toolkit asks for the exit code before the process has one.
    "dies": ("its process ended with exit code 7 before it answered", "it ended before it answered"),
    "empty": "it ended before it answered, or answered with something else than a region",
}


def test_odd_trackers(tmp_path: Path, call: Command):
    (tmp_path / "odd.py").write_text(TRACKER)
    (tmp_path / "data" / "car").mkdir(parents=True)
    sequence(tmp_path / "data" / "car", 5)
    command = f"protocol = trax\ntimeout = 20\ncommand = {sys.executable} {tmp_path / 'odd.py'}"
    registry = tmp_path / "odd.ini"
    registry.write_text("".join(f"[{name}]\n{command} {name}\n" for name in SAID))
    space = tmp_path / "space"
    made = call("init", space, "--dataset", tmp_path / "data", "--registry", registry, "--repetitions", "1")
    assert made.code == 0
    # As a job of a run does it, without the seconds that each process takes to start.
    opened = OpenWorkspace(space)
    for name, said in SAID.items():
        run = opened.run(opened.needed(), opened.tracker(name))
        outcome = runner.run_sequence(run, run.sequences[0], lambda _: None)
        assert outcome.error.startswith(said), outcome
        assert outcome.ran == ([] if said else [1])
        assert "x" * 400 not in outcome.error
    # What is no ASCII is a question mark; what follows it is kept.
    log = next((space / "logs" / "bar").rglob("*.log")).read_text()
    assert "l??dt 50%|?????????  |\n?\n" in log


@pytest.mark.parametrize(
    ("written", "passed"),
    [
        ([b"x@@TRAX:sta", b"te \"1,2,3,4\"\n"], b"x@@TRAX:state \"1,2,3,4\"\n"),
        ([b"@@TR", b"AX:state \"", b"\"\n", b"end"], b"@@TRAX:state \"0\"\nend"),
        ([b"@@TRAX:state \"m1,2,3,4,0,5\" \"a=b\"\n"], b"@@TRAX:state \"m1,2,3,4,0,5\" \"a=b\"\n"),
        ([b"@@TRAX:state \n@@TRAX:state \"a,b\" \"\"\n"], b"@@TRAX:state \"0\"\n@@TRAX:state \"0\" \"\"\n"),
        ([b"waiting...", b"\xc3\xa4\n@@TRAX"], b"waiting...??\n@@TRAX"),
    ],
)  # fmt: skip
def test_what_is_passed_on(written: list[bytes], passed: bytes):
    program = "import os, sys, time\nfor each in eval(sys.argv[1]):\n    os.write(1, each); time.sleep(0.05)"
    with relay.Process([sys.executable, "-c", program, repr(written)], stdout=subprocess.PIPE) as process:
        assert process.stdout.read() == passed


def test_a_reader_that_goes_leaves_no_descriptor():
    before = len(list(Path("/proc/self/fd").iterdir()))
    with relay.Process(["yes"], stdout=subprocess.PIPE) as process:
        assert process.stdout.read(4) == b"y\ny\n"
        process.kill()
    deadline = time.monotonic() + 10
    while len(list(Path("/proc/self/fd").iterdir())) > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
