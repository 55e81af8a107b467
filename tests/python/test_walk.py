"""The commands as a new user types them, mistakes included: the sentence that answers, and the exit code."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import PROJECT, jitter_registry
from test_parallel import alive, trackers_of, wait_for, workers

from attrax_vot.cli import main

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PROJECT / "evaluation")}
PROGRAM = [sys.executable, "-m", "attrax_vot"]


def call(*arguments: object) -> int:
    """The exit code of a command: the program's own entry, in this process, because it takes seconds to load."""
    try:
        return main([str(each) for each in arguments])
    except SystemExit as end:
        return end.code


@pytest.fixture(scope="module")
def place(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a workspace that has results of one of three sequences, and with datasets that are wrong."""
    folder = tmp_path_factory.mktemp("walk")
    registry = jitter_registry(folder)
    assert call("init", folder / "space", "--dataset", demo, "--registry", registry, "--repetitions", 1) == 0
    assert call("run", folder / "space", "Jitter", "--no-estimate", "--sequences", "twins") == 0
    for name in ("bad_line", "blank_line", "spaces", "no_sequence", "cut"):
        shutil.copytree(demo, folder / name)
    truth = demo / "twins" / "groundtruth.txt"
    lines = truth.read_text().splitlines()
    for name, line in (("bad_line", "12,x7,30,40"), ("blank_line", ""), ("spaces", "12 17 30 40")):
        (folder / name / "twins" / "groundtruth.txt").write_text("\n".join([*lines[:2], line, *lines[3:]]) + "\n")
    (folder / "no_sequence" / "twins" / "sequence").unlink()
    frame = folder / "cut" / "twins" / "color" / "00000005.jpg"
    frame.write_bytes(frame.read_bytes()[:3000])
    (folder / "otb" / "Walking" / "img").mkdir(parents=True)
    (folder / "otb" / "Walking" / "groundtruth_rect.txt").write_text("1,2,3,4\n")
    (folder / "wrong-results" / "baseline" / "twins").mkdir(parents=True)
    (folder / "wrong-results" / "baseline" / "twins" / "twins_001.txt").write_text("1\n2\n")
    (folder / "empty").mkdir()
    return folder


#: Arguments, where {p} is the folder and {d} the demo dataset; the sentence that is expected; the
#: exit code.
WALK = [
    ("--version", "attrax-vot 0.", 0),
    ("", "the following arguments are required: COMMAND", 2),
    ("runn {p}/space", "invalid choice: 'runn'", 2),
    ("run {p}/space", "the following arguments are required: TRACKER", 2),
    ("run {p}/space Jitter --sequences nope", "has no sequence nope; it has turning, passing, twins", 1),
    ("run {p}/space Jitter --experiments sideways", "has no experiment sideways; it has baseline", 1),
    ("run {p}/space Nobody", "no tracker Nobody; there are Jitter", 1),
    ("run {p}/space Jitter --jobs 0", "must be 1 or more", 2),
    ("run {p}/nowhere Jitter", "is not a workspace", 1),
    ("run {p}/space Jitter --sequences twins --no-estimate", "nothing is missing", 0),
    ("render {p}/space --tracker Jitter --sequences nope", "has no sequence nope; it has turning", 1),
    ("render {p}/space --tracker Jitter --sequences passing", "Jitter has no results on passing; 'attrax-vot run", 1),
    ("render {p}/space --tracker Nobody", "no tracker Nobody; there are Jitter", 1),
    ("report {p}/space --reference {p}/nowhere", "there is no folder", 1),
    ("report {p}/space --reference {p}/empty", "has no results of any of the sequences, such as", 1),
    ("report {p}/space --reference {p}/wrong-results", "twins_001.txt has 2 regions, twins 26 frames", 1),
    ("report {p}/space Nobody", "no tracker Nobody", 1),
    ("report {p}/empty", "is not a workspace", 1),
    ("init {p}/new --dataset {p}/nowhere", "there is no folder", 1),
    ("init {p}/new --dataset {p}/empty", "holds no sequences", 1),
    ("init {p}/new --dataset {d}/twins", "it is a sequence itself: give", 1),
    ("init {p}/new --dataset {p}/otb", "it has OTB's layout", 1),
    ("init {p}/new --dataset {p}/otb/Walking", "it has OTB's layout", 1),
    (
        "init {p}/new --dataset {p}/bad_line",
        "groundtruth.txt, line 3: '12,x7,30,40' holds 'x7', which is not a number",
        1,
    ),
    ("init {p}/new --dataset {p}/blank_line", "groundtruth.txt, line 3: '' is empty", 1),
    ("check {p}/blank_line", "groundtruth.txt, line 3: '' is empty", 1),
    ("check {d}", "3 sequences, 0 odd", 0),
    ("check {p}/nowhere", "there is no folder", 1),
    ("init {p}/spaces_space --dataset {p}/spaces", "spaces_space is ready", 0),
    ("init {p}/bare_space --dataset {p}/no_sequence", "bare_space is ready", 0),
    ("init {p}/cut_space --dataset {p}/cut", "00000005.jpg cannot be read as an image: image file is truncated", 1),
    ("init {p}/new --dataset {d} --stack vot1066", "has no stack vot1066", 1),
    ("evaluate {p}/bad_line --tracker DAT --workspace {p}/new", "groundtruth.txt, line 3", 1),
    ("evaluate {d} --tracker Nobody --workspace {p}/other", "no tracker Nobody", 1),
    ("verify --tracker Nobody", "does not register Nobody", 1),
    ("run {p}/space Jitter --jobs two", "two is no whole number", 2),
    ("demo", "the following arguments are required: directory", 2),
    ("demo {p}/space/trackers.ini", "Not a directory", 1),
    ("demo {p}/demo --tracker Nobody", "no tracker Nobody; there are DAT", 1),
    ("demo {p}/demo --registry {p}/nowhere", "there is no {p}/nowhere to find trackers in", 1),
    ("dataset", "the following arguments are required: directory", 2),
    ("dataset {p}/space/trackers.ini", "Not a directory", 1),
    ("plan {p}/space Jitter", "--frame S --init S, or --like TRACKER", 1),
    ("plan {p}/space Jitter --frame 1", "--frame S --init S, or --like TRACKER", 1),
    ("plan {p}/space Jitter --frame fast --init 1", "fast is not a number", 2),
    ("plan {p}/space Jitter --frame 0 --init 1", "must be more than 0", 2),
    ("plan {p}/space Jitter --frame 1 --init 1 --slots 0", "--slots takes numbers from 1 on", 1),
    ("plan {p}/space Nobody --frame 1 --init 1", "no tracker Nobody; there are Jitter", 1),
    ("plan {p}/space Jitter --like Nobody", "no tracker Nobody; there are Jitter", 1),
    ("plan {p}/space Jitter --like Jitter --slots 1,2", "2 jobs, 2 repetitions, 56 frames", 0),
    ("plan {p}/nowhere Jitter --frame 1 --init 1", "is not a workspace", 1),
    ("export {p}/space", "the following arguments are required: TRACKER", 2),
    ("export {p}/space Nobody", "no tracker Nobody; there are Jitter", 1),
    ("export {p}/space Jitter --layout otb", "invalid choice: 'otb'", 2),
    ("export {p}/space Jitter --layout got10k", "no whole repetition to write in the layout got10k; ", 1),
    ("export {p}/space Jitter --out {p}/space/trackers.ini", "Not a directory", 1),
    ("export {p}/empty Jitter", "is not a workspace", 1),
    ("compare {p}/new", "give a folder of sequences with --dataset, or --render-only", 1),
    ("compare {p}/new --dataset {d}", "there is nothing to compare; give --arm NAME='FLAGS'", 1),
    ("compare {p}/new --dataset {d} --arm a", "write it as NAME='FLAGS'", 1),
    ("compare {p}/new --dataset {d} --arm a= --arm a=", "two arms are called a", 1),
    ("compare {p}/new --dataset {d} --arm a=--seed=3", "arm a sets the seed; --seeds N", 1),
    ("compare {p}/new --dataset {d} --arm a=--lamda=3", "arm a: unexpected argument '--lamda' found tip:", 1),
    ("compare {p}/new --dataset {d} --arm a=--preset=fats", "arm a: invalid value 'fats' for '--preset", 1),
    ("compare {p}/new --dataset {d} --arm a=--set=best=five", "arm a: parameter best = five", 1),
    ("compare {p}/new --dataset {d} --arm a= --seeds 0", "must be 1 or more", 2),
    ("compare {p}/new --dataset {d} --arms {p}/nowhere", "nowhere cannot be read as a file of arms", 1),
    ("compare {p}/new --dataset {d} --arm a= --command nothing", "'nothing', which is not on PATH", 1),
    ("compare {p}/new --dataset {d} --arm a= --command '", '--command: "\'" is no line of flags', 1),
    ("compare {p}/new --dataset {p}/nowhere --arm a=", "there is no folder", 1),
    ("compare {p}/new --dataset {d} --arm a= --sequences nope", "has no sequence nope; it has turning", 1),
    ("compare {p}/space --dataset {d} --arm a=", "is a workspace of another kind", 1),
    ("compare {p}/space --render-only", "has no arms in its trackers.ini", 1),
    ("compare {p}/nowhere --render-only", "is not a workspace", 1),
    ("weights", "the following arguments are required: ACTION", 2),
    ("weights inspect {p}/nowhere", "nowhere: No such file", 1),
    ("weights fetch vgg-x", "invalid choice: 'vgg-x'", 2),
]


@pytest.mark.parametrize(("arguments", "words", "code"), WALK, ids=[row[0] or "nothing" for row in WALK])
def test_walk(arguments: str, words: str, code: int, place: Path, demo: Path, capsys):
    registry = place / "space" / "trackers.ini"
    before = registry.read_text()
    ended = call(*arguments.format(p=place, d=demo).split())
    printed = "".join(capsys.readouterr())
    assert words.format(p=place) in printed and ended == code, printed
    assert not (place / "new" / "results").exists(), "something was begun"
    assert registry.read_text() == before, "the workspace's trackers.ini was changed"


def start(space: Path, ignored: bool = False) -> tuple[subprocess.Popen, list[int]]:
    """A run of two slow trackers, and the processes that it has started."""
    arguments = ["run", str(space), "Jitter", "--jobs", "2", "--no-estimate"]
    process = subprocess.Popen(
        # Tests may themselves run under nohup.
        [
            *("env", "--default-signal=HUP"),
            *(["sh", "-c", "trap '' INT; exec \"$@\"", "-"] if ignored else []),
            *(*PROGRAM, *arguments),
        ],
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: len(trackers_of(workers(space))) >= 2)
    left = workers(space)
    return process, left + trackers_of(left)


@pytest.mark.parametrize(
    ("sent", "ignored"),
    [
        ([signal.SIGTERM], False),
        ([signal.SIGHUP], False),
        ([signal.SIGINT], True),
        ([signal.SIGINT, signal.SIGINT], False),
        ([signal.SIGKILL], False),
    ],
)
def test_a_signal_leaves_no_child_behind(sent: list[signal.Signals], ignored: bool, demo: Path, tmp_path: Path):
    # So slow that no frame is answered within the test.
    registry = jitter_registry(tmp_path, delay="60")
    space = tmp_path / "space"
    assert call("init", space, "--dataset", demo, "--registry", registry, "--repetitions", 1) == 0
    process, left = start(space, ignored)
    for each in sent:
        os.kill(process.pid, each)
        time.sleep(0.3)
    # Not reaped: a runner whose parent does not ask for it has ended all the same.
    wait_for(lambda: not alive(left), 30)
    _, printed = process.communicate(timeout=30)
    assert process.returncode == (-sent[0] if sent[0] == signal.SIGKILL else 128 + sent[0])
    assert sent[0] == signal.SIGKILL or f"{sent[0].name}: what has ended is kept" in printed
