"""Clients that misbehave: for each the process's end, the reason it gave, and that no process and no file is left.

`trax_cases.py` has their table.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest
import trax_harness as harness
from trax_cases import CASES, DONE, FAILED, SOON
from trax_harness import texture
from trax_raw import Fault, slowed, start


@pytest.fixture(scope="session")
def picture(tmp_path_factory) -> Path:
    """A frame that nothing is wrong with."""
    path = tmp_path_factory.mktemp("frames") / "a b.png"
    harness.Picture.fromarray(texture()).save(path)
    return path


@pytest.mark.parametrize("name", CASES)
def test_misbehaving_client(command, picture, tmp_path, name):
    case = CASES[name]
    fault = Fault(slowed(command) if case.slow else f"{command} {case.options}", tmp_path, case.env)
    case.act(fault, picture)
    code, output, errors = fault.end()
    assert not fault.hung, "it hung"
    assert "panicked" not in errors
    lines = [line for line in output.split(b"\n") if line.startswith(b"@@TRAX:")]
    answers = [line for line in lines if line.startswith(b"@@TRAX:state")]
    farewells = [line for line in lines if line.startswith(b"@@TRAX:quit")]
    if name != "terminated at work":
        assert len(answers) == case.answers
    if case.code == FAILED:
        assert code > 0 and code != 101, code
        assert errors.count("\n") == 1, errors
        if not case.env:
            assert len(farewells) == 1 and b'"trax.reason=' in farewells[0], output
            assert case.reason in farewells[0], farewells
    else:
        assert code == case.code
        assert errors == ""
        assert all(b"trax.reason" not in line for line in farewells)
    with pytest.raises(ProcessLookupError):
        os.killpg(fault.process.pid, 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", DONE), (b"@@TRAX:quit \n", DONE), (b"@@TRAX:frame", FAILED), (b"@@TRAX:dance\n", FAILED)],
)
def test_misbehaving_socket(command, tmp_path, data, code):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fault = Fault(command, tmp_path, {"TRAX_SOCKET": str(listener.getsockname()[1])})
        connection, _ = listener.accept()
        with connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            said = b"".join(iter(lambda: connection.recv(4096), b""))
        assert said.startswith(b"@@TRAX:hello")
        ended, output, errors = fault.end()
    assert not fault.hung and output == b""
    assert (ended == 0) == (code == DONE), errors
    assert (b"trax.reason" in said) == (code == FAILED)


@pytest.mark.parametrize("half", [False, True], ids=["closed", "half-closed"])
def test_socket_at_work(command, picture, tmp_path, half):
    """A client that closes its socket during a training ends it, but one that only sends no more does not."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        fault = Fault(slowed(command), tmp_path, {"TRAX_SOCKET": port, "RUST_LOG": "attrax=trace"})
        connection, _ = listener.accept()
    with connection:
        connection.sendall(start(picture))
        fault.until_work()
        # Everything is read: closing a socket with unread bytes resets it, which is easier to
        # notice.
        assert connection.recv(4096).startswith(b"@@TRAX:hello")
        if half:
            connection.shutdown(socket.SHUT_WR)
            time.sleep(1)
            assert fault.process.poll() is None, "it ended too early"
            assert connection.recv(4096).strip() == b"", "only empty lines, which are no messages"
    begun = time.monotonic()
    code, output, errors = fault.end()
    assert time.monotonic() - begun < SOON
    assert not fault.hung and (code, output, errors) == (DONE, b"", "")
