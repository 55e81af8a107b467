"""The checks before a run."""

import sys
from pathlib import Path

import pytest
from conftest import jitter_registry

from attrax_vot.cli import main
from attrax_vot.errors import EvaluationError
from attrax_vot.run import estimate, registration, verify
from attrax_vot.run import registry as registries
from attrax_vot.run.jobs import Job
from attrax_vot.run.verify import Speed


def test_versions_with_known_traps_are_named():
    assert verify.toolkit("0.7.4").good
    assert verify.toolkit("0.9.0").good
    assert "drive no TraX tracker" in verify.toolkit("0.9.0").line()
    assert "0.7.4, 0.8.1, 0.9.0 were tried" in verify.toolkit("0.10.0").line()
    assert verify.attributee("0.1.9").good
    assert "attributee<0.1.10" in verify.attributee("0.1.10").line()


def verified(registry: Path, tracker: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = main(["verify", "--tracker", tracker, "--registry", str(registry)])
    return status, capsys.readouterr().out


def test_a_tracker_that_answers_is_run_for_ten_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    status, out = verified(jitter_registry(tmp_path), "Jitter", capsys)
    # It stays where it was put, and the target does not.
    assert status == 1 and "fix: it does not follow an easy target" in out
    assert "ok    VOT toolkit: 0.7.4" in out
    assert "ten frames: overlap" in out
    # Its file says nothing about a timeout, and its start takes no time.
    assert "ok    timeout: 30 s" in out


def test_a_start_near_the_timeout_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    registry = jitter_registry(tmp_path, delay="0.6")
    registry.write_text(registry.read_text() + "timeout = 2\n")
    _, out = verified(registry, "Jitter", capsys)
    assert "warn  timeout: 2 s, of which the slowest reply took 0.6 s" in out
    assert "fix: write timeout = 600" in out


# What is wrong in a registration, and what verify says: registrations as in questions that people
# have asked.
MISTAKES = {
    "no program": ("protocol = trax\ncommand = no-such-program", "no program 'no-such-program'", "install it"),
    "no attrax": ("protocol = trax\ncommand = /nowhere/attrax serve", "no program '/nowhere/attrax'", "make build"),
    "quoted": (
        'protocol = trax\ncommand = "python {here}/still.py"',
        "the whole command is in quotes",
        "command = python {here}/still.py",
    ),
    "half a quote": ("protocol = trax\ncommand = python '{here}/still.py", "a quote has no second one", "write both"),
    "relative program": ("protocol = trax\ncommand = ./run.sh", "'./run.sh' is not an absolute path", "run.sh"),
    "relative file": (
        "protocol = trax\ncommand = {python} still.py",
        "'still.py' is not an absolute path",
        "write {folder}/still.py",
    ),
    "no file": ("protocol = trax\ncommand = {python} /nowhere/still.py", "no file /nowhere/still.py", "right one"),
    "no protocol": ("command = x", "it has no protocol", "protocol = trax"),
    "misspelt protocol": ("protocol = traxpyton\ncommand = still", "'traxpyton' is unknown", "'protocol = traxpython'"),
    "no command": ("protocol = trax\ncommand =", "it has no command", "write 'command = ...'"),
    "key of another protocol": ("protocol = trax\ncommand = true\npaths = {here}", "takes no key 'paths'", "remove it"),
    "timeout": ("protocol = trax\ncommand = true\ntimeout = 60 s", "timeout = 60 s is not a whole number", "write one"),
    "no folder": ("protocol = traxpython\ncommand = still\npaths = gone", "no folder {folder}/gone", "right one"),
    "not in paths": ("protocol = traxpython\ncommand = nothing\npaths = {here}", "no module nothing", "'paths ='"),
    "not in paths, as code": (
        "protocol = traxpython\ncommand = import nothing; nothing.run()",
        "no module nothing",
        "",
    ),
    "a file for a module": ("protocol = traxpython\ncommand = {here}/still.py", "not a file", "paths = {here}"),
    "quoted code": ("protocol = traxpython\ncommand = 'import still'", "the command is in quotes", "import still"),
    "no Python": ("protocol = traxpython\ncommand = still\npython = /no/python", "no Python '/no/python'", "python ="),
    "no vot-trax": (
        "protocol = traxpython\ncommand = json\npython = {bare}",
        "has no module trax (vot-trax)",
        "-m pip install vot-trax",
    ),
    "no MATLAB": ("protocol = traxmatlab\ncommand = wrapper", "matlab is not found", "MATLAB_ROOT"),
    "no Octave": ("protocol = traxoctave\ncommand = wrapper", "octave is not found", "OCTAVE_ROOT"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_fix(mistake: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    here = Path(__file__).parent
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    (tmp_path / "still.py").touch()
    names = {"here": here, "folder": tmp_path, "python": sys.executable, "bare": bare}
    lines, found, fix = (text.format(**names) for text in MISTAKES[mistake])
    registry = tmp_path / "trackers.ini"
    registry.write_text(f"[Mine]\n{lines}\n")
    status, out = verified(registry, "Mine", capsys)
    assert status == 1
    problem = out[out.index("FAIL") :]
    assert found in problem.splitlines()[0], out
    assert fix in problem.splitlines()[1], out
    # The same sentence before a run.
    tracker = next(iter(registries.read(registry)))
    with pytest.raises(EvaluationError) as error:
        registration.check(tracker)
    assert found in str(error.value) and fix in str(error.value)


@pytest.mark.parametrize(
    ("lines", "fix"),
    [
        ("print('words', end=''); import still", "print to standard error"),
        ("import time; time.sleep(60)", "write timeout = 600"),
        ("import still", "print to standard error"),
        ("raise SystemExit", "before it spoke TraX"),
        ("import importlib; importlib.import_module('gone')", "install gone into the tracker's Python"),
    ],
)
def test_what_breaks_while_it_runs_has_a_fix(lines: str, fix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    registry = tmp_path / "trackers.ini"
    here = Path(__file__).parent
    noisy = "env_noise = words\n" if lines == "import still" else ""
    registry.write_text(f"[Mine]\n{noisy}protocol = traxpython\ncommand = {lines}\npaths = {here}\ntimeout = 3\n")
    status, out = verified(registry, "Mine", capsys)
    assert status == 1
    assert fix in out[out.index("FAIL  ten frames") :]


@pytest.mark.parametrize("replies", [0, 1])
def test_a_silent_tracker_is_ended_however_fast_it_greets(
    replies: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    # Within the first tenth of a second the toolkit's clock takes no order.
    program = tmp_path / "silent"
    hello = "@@TRAX:hello trax.version=1 trax.region=rectangle trax.image=path "
    state = 'read line; echo "@@TRAX:state \\"1,1,10,10\\""\n' * replies
    program.write_text(f"#!/bin/sh\necho '{hello}'\n{state}exec sleep 60\n")
    program.chmod(0o755)
    registry = tmp_path / "trackers.ini"
    registry.write_text(f"[Mine]\nprotocol = trax\ncommand = {program}\ntimeout = 1\n")
    status, out = verified(registry, "Mine", capsys)
    assert status == 1
    assert "did not reply in 1 seconds" in out[out.index("FAIL  ten frames") :]


def test_an_unknown_tracker_is_reported_with_those_that_are_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    registry = jitter_registry(tmp_path)
    registry.write_text(registry.read_text() + "[My tracker]\ncommand = x\n")
    status, out = verified(registry, "Nobody", capsys)
    assert status == 1
    assert "does not register Nobody; there are Jitter; a name may have letters, digits, - and _: My tracker" in out


def test_an_estimate_adds_up():
    jobs = [Job("", "A", "baseline", name, 15, missing, 100, 2) for name, missing in (("x", 15), ("y", 5))]
    found = estimate.estimate(jobs, 2, {"A": Speed(10.0, 0.5, 0.6)})
    assert found.frames == 2000
    # x: 15 x (100 x 0.5 + 2 x 10) = 1050 s; y: 350 s. Two at a time cannot end before x does.
    assert found.seconds == 1050
    assert found.core_hours == pytest.approx(2 * 1400 / 3600)
    assert "17:30" in found.lines(10**9)[1]


def test_a_tracker_that_dies_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    registry = jitter_registry(tmp_path, fail_in="turning")
    assert main(["verify", "--tracker", "Jitter", "--registry", str(registry)]) == 1
    assert "Process exited with code (3)" in capsys.readouterr().out


def test_a_tracker_of_ones_own_is_registered(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    registry, here = tmp_path / "trackers.ini", Path(__file__).parent
    registry.write_text("# Kept.\n[Other]\nprotocol = trax\ncommand = true")
    arguments = ["own", "Mine", "--python", str(here / "still.py"), "--registry", str(registry)]
    assert main(arguments) == 0
    assert registry.read_text().startswith("# Kept.\n[Other]\nprotocol = trax\ncommand = true\n\n[Mine]\n")
    capsys.readouterr()
    assert "ten frames: overlap" in verified(registry, "Mine", capsys)[1]
    assert main(arguments) == 1
    assert "registers Mine already" in capsys.readouterr().err
    assert main(["own", "Line", "--command", "no-such-program --x", "--registry", str(registry)]) == 0
    assert "warning: there is no program 'no-such-program'" in capsys.readouterr().out
    assert main(["own", "my tracker", "--command", "x", "--registry", str(registry)]) == 1
    assert "letters, digits, - and _" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("prog '", "cannot be read: no closing quotation"),
        ("  ", "the command is empty"),
        ("prog 'a\n[B]\nb'", "has a line break or control character"),
    ],
)
def test_a_command_that_no_registration_can_hold(
    line: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["own", "Mine", "--command", line, "--registry", str(tmp_path / "mine.ini")]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "mine.ini").exists()
