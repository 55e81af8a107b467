"""A process under test, talked to in bytes past any client library, since no library would send what is sent here."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from trax_harness import PATIENCE

BOX = b'"20,16,24,18"'


def slowed(command: str) -> str:
    """The same command, slowed down to minutes for each request; skips the test of a tracker without such a setting."""
    if "quick.toml" in command:
        return command.replace("quick.toml", "slow.toml")
    if "still_session" in command:
        return command + " --delay 600"
    pytest.skip("this tracker has no setting that makes it slow")


class Fault:
    """A process under test, in a folder and a process group of its own, and what to do to it."""

    def __init__(self, command: str, folder: Path, env: dict):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("TRAX_")}
        environment.update(env, TMPDIR=str(folder))
        self.command = command
        # A shell has what it runs in the background ignore this signal, which would be inherited.
        ours = signal.signal(signal.SIGINT, signal.SIG_DFL)
        self.process = subprocess.Popen(
            shlex.split(command),
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        signal.signal(signal.SIGINT, ours)
        self.hung = False
        self._timer = threading.Timer(PATIENCE, self._kill)
        self._timer.start()
        self.output = b""

    def _kill(self) -> None:
        self.hung = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def send(self, data: bytes) -> None:
        """Writes bytes; a process that has ended already is looked at later."""
        with contextlib.suppress(BrokenPipeError):
            view = memoryview(data)
            while view:
                view = view[self.process.stdin.write(view) :]

    def read_line(self) -> bytes:
        """One line of the answer."""
        line = b""
        while not line.endswith(b"\n"):
            byte = self.process.stdout.read(1)
            if not byte:
                break
            line += byte
        self.output += line
        return line

    def until_work(self) -> None:
        """Waits until a slow command works on a request; a real tracker's trace shows its training."""
        if "slow.toml" not in self.command:
            time.sleep(1)
            return
        while line := self.process.stderr.readline():
            if b"cross-entropy" in line:
                return
        raise AssertionError("it has ended before it was trained")

    def end(self) -> tuple[int, bytes, str]:
        """Closes the input and waits: exit code, standard output, and standard error without the trace."""
        self.process.stdin.close()
        if not self.process.stdout.closed:
            self.output += self.process.stdout.read()
        lines = self.process.stderr.read().decode(errors="replace").splitlines(keepends=True)
        errors = "".join(line for line in lines if " TRACE " not in line)
        code = self.process.wait()
        self._timer.cancel()
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()
        return code, self.output, errors


def frame(path: Path | bytes, scheme: bytes = b"file://") -> bytes:
    """A frame message."""
    return b'@@TRAX:frame "' + scheme + (path if isinstance(path, bytes) else bytes(path)) + b'" \n'


def start(path: Path) -> bytes:
    """A good initialisation, the first or a later one."""
    return b"@@TRAX:initialize \n@@TRAX:initialize " + BOX + b" \n" + frame(path)


def sends(*parts):
    """Writes the parts, in which functions stand for what depends on the picture's path."""

    def act(fault: Fault, path: Path) -> None:
        fault.send(b"".join(part(path) if callable(part) else part for part in parts))

    return act


def initialized(*parts):
    """Waits for the answer to a good initialisation, then writes the parts."""

    def act(fault: Fault, path: Path) -> None:
        fault.send(start(path))
        fault.read_line()
        assert fault.read_line().startswith(b"@@TRAX:state")
        sends(*parts)(fault, path)

    return act
