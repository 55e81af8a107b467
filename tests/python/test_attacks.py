"""The tables of attacks and odd inputs in ``tests/attacks/*.toml``, each row run on the real program.

A table is a TOML file of rows. A row runs one command in an empty folder of its own::

    [[attack]]
    name = "full disk"                  # unique in its table; the test's name is TABLE-NAME
    run = ["attrax", "track", "frames", "--box", "20,16,24,18", "--out", "b.csv", "{quick}"]
    exit = 1                            # the exit code; a negative one is a signal; a list: one of them
    stderr = "b.csv: No space left"     # a text, or a list of texts, which standard error contains
    stdout = "x,y,width"                # the same for standard output
    not_stderr = "4294967296"           # texts that must not appear; not_stdout likewise
    [attack.files]                      # made before: path = text, or one of the tables below
    "frames" = { make = "frames", count = 3 }
    "boxes.csv" = "of an earlier run\n"

``run`` is a list of arguments without a shell; ``["sh", "-c", "..."]`` is one with a shell. ``attrax`` and
``attrax-vot`` are those of ``out/bin``, ``python`` the one that runs the tests. In arguments, texts and the
environment, ``{folder}`` is the row's folder, ``{root}`` the project's, ``{tables}`` is ``tests/attacks``; the
argument ``{quick}`` stands for the flags of a tracker that needs a moment a frame.

More keys of a row:

``needs``     a list of ``root`` or names of programs, as Debian's packages are called; the row is skipped without them
``input``     standard input: a text, or a table ``{hex = ...}``, ``{base64 = ...}``, ``{repeat = text, times = n}``
``env``       a table of variables for the process; the caller's ``TRAX_*`` are removed
``interrupt`` ``{signal = "SIGINT", after = "GLOB", lines = 3}``: sent once such a file has `lines` lines (0: exists)
``seconds``   the time limit, 60 unless given; a row that takes longer fails and its processes are killed
``megabytes`` the limit on the peak memory of the process
``one_line``  whether standard error is one line ``attrax: sentence``; true for ``attrax`` ended with code 1
``keeps``     a table of file = text: the file still has exactly this text afterwards
``holds``     a table of file = text: the file afterwards contains this text
``exists``    a list of patterns that must match something afterwards
``absent``    a list of patterns that must match nothing afterwards
``check``     a shell command that must succeed in the folder afterwards
``mount``     ``{path = "disk", kilobytes = 16}``: a file system of that size; the row is skipped where root is needed

Files, besides texts: ``{hex = ...}``, ``{base64 = ...}``, ``{repeat = text, times = n}``, ``{folder = true}``,
``{link = "target"}``, ``{fifo = true}``, ``{copy = "path in the project"}``, ``{script = "shell script"}``
(executable), and ``{make = "generator", ...}``, which calls a function of ``attack_files.py`` with the path and the
other keys.

Always checked: no panic, no traceback, no failed allocation, and no process left running.
"""

from __future__ import annotations

import base64
import fnmatch
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import attack_files
import pytest
from conftest import installed

tomllib = pytest.importorskip("tomllib", reason="skipped: reading the tables needs Python 3.11")

ROOT = Path(__file__).resolve().parents[2]
TABLES = ROOT / "tests" / "attacks"
PROGRAMS = {name: ROOT / "out" / "bin" / name for name in ("attrax", "attrax-vot")}
QUICK = ["--config", str(ROOT / "tests" / "data" / "quick.toml"), "--threads", "1", "--preset", "mdnet"]
KEYS = {
    *("name", "run", "exit", "stderr", "stdout", "not_stderr", "not_stdout", "one_line", "files", "needs", "input"),
    *("env", "interrupt", "seconds", "megabytes", "keeps", "holds", "exists", "absent", "check", "mount"),
}
#: What no program may say, whatever it is given.
CRASHES = ("panicked at", "Traceback (most recent call last)", "terminate called", "memory allocation of")


def rows() -> list:
    """All rows of all tables, as parameters of the test."""
    found = []
    for path in sorted(TABLES.glob("*.toml")):
        for row in tomllib.loads(path.read_text())["attack"]:
            assert set(row) <= KEYS, f"{path.name}: {row['name']}: unknown keys {set(row) - KEYS}"
            found.append(pytest.param(row, id=f"{path.stem}-{row['name']}"))
    return found


@dataclass
class Ended:
    """A process that has ended."""

    code: int
    stdout: str
    stderr: str
    megabytes: float


@pytest.mark.parametrize("row", rows())
def test_attack(row: dict, tmp_path: Path) -> None:
    for need in row.get("needs", []):
        available(need)
    with ExitStack() as stack:
        if mount := row.get("mount"):
            stack.enter_context(attack_files.small_disk(tmp_path / mount["path"], mount["kilobytes"]))
        for name, content in row.get("files", {}).items():
            create(tmp_path / name, content, tmp_path)
        ended = run(row, tmp_path)
        judge(row, ended, tmp_path)


def available(need: str) -> None:
    """Skips the test where something is missing."""
    if need == "root":
        if os.geteuid():
            pytest.skip("skipped: this needs root")
    else:
        installed(need)


def filled(text: str, folder: Path) -> str:
    """A text with its placeholders replaced."""
    for name, value in {"folder": folder, "root": ROOT, "tables": TABLES}.items():
        text = text.replace("{" + name + "}", str(value))
    return text


def content_of(value: str | dict, folder: Path) -> bytes:
    """The bytes that a text or a table of the row stands for."""
    if isinstance(value, str):
        return filled(value, folder).encode()
    if "hex" in value:
        return bytes.fromhex(value["hex"])
    if "base64" in value:
        return base64.b64decode(value["base64"])
    return value["repeat"].encode() * value["times"]


def create(path: Path, value: str | dict, folder: Path) -> None:
    """Makes one of the row's files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(value, str) or {"hex", "base64", "repeat"} & set(value):
        path.write_bytes(content_of(value, folder))
    elif "folder" in value:
        path.mkdir(exist_ok=True)
    elif "link" in value:
        path.symlink_to(filled(value["link"], folder))
    elif "fifo" in value:
        os.mkfifo(path)
    elif "copy" in value:
        shutil.copy(ROOT / value["copy"], path)
    elif "script" in value:
        path.write_text("#!/bin/sh\n" + filled(value["script"], folder))
        path.chmod(0o755)
    else:
        options = {key: option for key, option in value.items() if key != "make"}
        attack_files.GENERATORS[value["make"]](path, **options)


def command_of(row: dict, folder: Path) -> list[str]:
    """The row's command with its placeholders replaced."""
    program, *arguments = row["run"]
    for name, path in PROGRAMS.items():
        named = program == name or any(name in argument.split() for argument in arguments)
        if named and not path.exists():
            pytest.skip(f"skipped: out/bin/{name} is not built: make build")
    first = str(PROGRAMS.get(program, sys.executable if program == "python" else program))
    command = [first]
    for argument in arguments:
        command += QUICK if argument == "{quick}" else [filled(argument.replace("{quick}", " ".join(QUICK)), folder)]
    return command


def run(row: dict, folder: Path) -> Ended:
    """Runs the row's command to its end, which comes within its time limit."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TRAX_")}
    environment["PATH"] = f"{ROOT / 'out' / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
    environment |= {key: filled(value, folder) for key, value in row.get("env", {}).items()}
    command = command_of(row, folder)
    # Outside of the folder, which the row's patterns look at.
    logs = folder.parent / f"{folder.name}.logs"
    logs.mkdir()
    (logs / "in").write_bytes(content_of(row.get("input", ""), folder))
    with (logs / "in").open("rb") as stdin, (logs / "out").open("wb") as out, (logs / "err").open("wb") as err:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=stdin, stdout=out, stderr=err, start_new_session=True
        )
        try:
            code, peak = wait(process, row, folder)
            left = not gone(process.pid)
        finally:
            kill_group(process.pid)
    texts = [(logs / name).read_text(errors="replace") for name in ("out", "err")]
    ended = Ended(code, *texts, peak)
    assert not left, f"it left a process running\n{ended}"
    return ended


def wait(process: subprocess.Popen, row: dict, folder: Path) -> tuple[int, float]:
    """Waits for the end; the exit code, and the peak memory in megabytes."""
    interrupt = row.get("interrupt")
    deadline = time.monotonic() + row.get("seconds", 60)
    peak = 0.0
    while True:
        # Not the kernel's figure at the end, which counts what this process had when it started the
        # other one.
        peak = max(peak, high_water(process.pid))
        if process.poll() is not None:
            return process.returncode, peak
        assert time.monotonic() < deadline, f"it has not ended after {row.get('seconds', 60)} seconds"
        if interrupt and written(folder, interrupt["after"], interrupt.get("lines", 0)):
            process.send_signal(getattr(signal, interrupt["signal"]))
            interrupt = None
        time.sleep(0.01)


def high_water(pid: int) -> float:
    """The peak memory of the program that a process runs, in megabytes; zero for one that has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def written(folder: Path, pattern: str, lines: int) -> bool:
    """Whether a file that matches has at least `lines` lines."""
    return any(not lines or path.read_bytes().count(b"\n") >= lines for path in matches(folder, pattern))


def matches(folder: Path, pattern: str) -> list[Path]:
    """The paths in the folder that match, hidden ones included."""
    return [path for path in folder.rglob("*") if fnmatch.fnmatch(str(path.relative_to(folder)), pattern)]


def gone(group: int) -> bool:
    """Whether the process group is empty within some seconds."""
    deadline = time.monotonic() + 20
    while alive(group):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def alive(group: int) -> bool:
    """Whether a process of the group is running; zombies do not count."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, pgrp = stat.read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if int(pgrp) == group and state != "Z":
            return True
    return False


def kill_group(group: int) -> None:
    """Kills what is left of the group."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def texts_of(row: dict, key: str, folder: Path) -> list[str]:
    """The texts of a key that has one or several."""
    value = row.get(key, [])
    return [filled(text, folder) for text in ([value] if isinstance(value, str) else value)]


def judge(row: dict, ended: Ended, folder: Path) -> None:
    """Compares what happened with what the row expects."""
    codes = row["exit"] if isinstance(row["exit"], list) else [row["exit"]]
    assert ended.code in codes, ended
    for crash in CRASHES:
        assert crash not in ended.stderr and crash not in ended.stdout, ended
    for stream in ("stderr", "stdout"):
        said = getattr(ended, stream)
        for text in texts_of(row, stream, folder):
            assert text in said, f"{stream} lacks {text!r}\n{ended}"
        for text in texts_of(row, f"not_{stream}", folder):
            assert text not in said, f"{stream} has {text!r}\n{ended}"
    if row.get("one_line", row["run"][0] == "attrax" and ended.code == 1):
        assert ended.stderr.startswith("attrax: ") and ended.stderr.count("\n") == 1, ended
    if limit := row.get("megabytes"):
        assert ended.megabytes < limit, f"{ended.megabytes:.0f} MB, {limit} allowed"
    for name, text in row.get("keeps", {}).items():
        assert (folder / name).read_text() == filled(text, folder), name
    for name, text in row.get("holds", {}).items():
        assert filled(text, folder) in (folder / name).read_text(), (name, (folder / name).read_text())
    for pattern in row.get("exists", []):
        assert matches(folder, pattern), f"there is no {pattern}\n{ended}"
    for pattern in row.get("absent", []):
        assert not matches(folder, pattern), f"there is a {pattern}\n{ended}"
    if check := row.get("check"):
        checked = subprocess.run(["sh", "-c", filled(check, folder)], cwd=folder, capture_output=True, text=True)
        assert checked.returncode == 0, f"{check}: {checked.stdout}{checked.stderr}\n{ended}"
