"""The descriptors in ``TRAX_IN`` and ``TRAX_OUT``: sockets, pipes and files, taken over and closed with the session."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
import trax_harness as harness

REQUEST = b"@@TRAX:initialize 20,16,24,18\n@@TRAX:frame file:///1.jpg\n"


def start(command: str, read: int, write: int, **variables: str) -> subprocess.Popen:
    """The tracker, which is given two descriptors of this process, perhaps the same one twice."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TRAX_")}
    environment |= {"TRAX_IN": str(read), "TRAX_OUT": str(write)} | variables
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds={read, write} - {0, 1, 2, 99},
    )


def opened(process: subprocess.Popen) -> dict[int, str]:
    """The descriptors of a process above the standard ones, without libtrax's files in memory."""
    folder = Path(f"/proc/{process.pid}/fd")
    found = {int(entry.name): str(entry.readlink()) for entry in folder.iterdir() if int(entry.name) > 2}
    return {number: what for number, what in found.items() if not what.startswith("/memfd:trax-")}


def connected(family: str) -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection."""
    if family == "unix":
        return socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return socket.create_connection(listener.getsockname()), listener.accept()[0]


@pytest.fixture(scope="module")
def tracker() -> str:
    return harness.example("static_tracker")


@pytest.mark.parametrize("family", ["unix", "tcp"])
def test_one_socket_for_both(tracker, family):
    ours, theirs = connected(family)
    with ours:
        process = start(tracker, theirs.fileno(), theirs.fileno())
        given = theirs.fileno()
        theirs.close()
        ours.settimeout(harness.PATIENCE)
        reader = ours.makefile("rb")
        assert reader.readline().startswith(b"@@TRAX:hello ")
        ours.sendall(REQUEST)
        assert reader.readline().startswith(b"@@TRAX:state ")
        # Taken over: a descriptor for each direction, none with the number that was given.
        assert given not in opened(process)
        assert len(opened(process)) == 2, opened(process)
        ours.sendall(b"@@TRAX:quit\n")
        assert reader.readline() == b"", "the end of the stream"
        assert process.wait(harness.PATIENCE) == 0, process.stderr.read()
        process.stderr.close()


@pytest.mark.parametrize("family", ["unix", "tcp"])
def test_a_socket_that_does_not_block(tracker, family):
    """As a socket is that has a timeout in the parent process; answers are larger than its buffer."""
    ours, theirs = connected(family)
    theirs.settimeout(1)
    mask = b"mask:0,0,1000,300" + b",1" * 300_000
    with ours:
        process = start(tracker, theirs.fileno(), theirs.fileno())
        theirs.close()
        ours.settimeout(harness.PATIENCE)
        reader = ours.makefile("rb")
        assert reader.readline().startswith(b"@@TRAX:hello ")
        time.sleep(0.3)
        ours.sendall(b"@@TRAX:initialize " + mask + b"\n@@TRAX:frame file:///1.jpg\n")
        time.sleep(0.3)
        answer = reader.readline()
        assert answer.startswith(b'@@TRAX:state "' + mask[:600_000]), answer[:100]
        ours.sendall(b"@@TRAX:quit\n")
        assert reader.readline() == b"", "the end of the stream"
        assert process.wait(harness.PATIENCE) == 0, process.stderr.read()
        process.stderr.close()


def test_two_pipes(tracker):
    (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
    process = start(tracker, theirs_in, theirs_out)
    os.close(theirs_in)
    os.close(theirs_out)
    with os.fdopen(ours_in, "rb") as reader, os.fdopen(ours_out, "wb", buffering=0) as writer:
        assert reader.readline().startswith(b"@@TRAX:hello ")
        writer.write(REQUEST)
        assert reader.readline().startswith(b"@@TRAX:state ")
        assert not {theirs_in, theirs_out} & opened(process).keys() - {0, 1, 2}
        assert len(opened(process)) == 2, opened(process)
        writer.write(b"@@TRAX:quit\n")
        assert reader.readline() == b"", "the end of the stream"
        assert process.wait(harness.PATIENCE) == 0, process.stderr.read()
    process.stderr.close()


def test_files_go_on_where_they_are(tracker, tmp_path):
    requests, answers = tmp_path / "requests", tmp_path / "answers"
    requests.write_bytes(b"@@TRAX:dance\n" + REQUEST + b"@@TRAX:quit\n")
    answers.write_bytes(b"an earlier line\n")
    with requests.open("rb", buffering=0) as read, answers.open("ab", buffering=0) as write:
        read.seek(len(b"@@TRAX:dance\n"))
        process = start(tracker, read.fileno(), write.fileno())
        assert process.wait(harness.PATIENCE) == 0, process.stderr.read()
    process.stderr.close()
    lines = answers.read_bytes().splitlines()
    assert lines[0] == b"an earlier line"
    assert [line.split()[0] for line in lines[1:]] == [b"@@TRAX:hello", b"@@TRAX:state"]


@pytest.mark.parametrize("name", ["TRAX_IN", "TRAX_OUT"])
@pytest.mark.parametrize("value", ["99", "-1", "70000", "x"])
def test_no_descriptor(tracker, name, value):
    process = start(tracker, 0, 1, **{name: value})
    said = process.communicate(timeout=harness.PATIENCE)[1].decode()
    assert process.returncode == 1
    assert name in said, said
    assert value in said, said


@pytest.mark.parametrize("family", ["unix", "tcp"])
def test_a_client_that_goes_at_work_is_noticed(tmp_path, family):
    """On a socket in ``TRAX_OUT`` as on one in ``TRAX_SOCKET``: the session ends while the tracker still works."""
    ours, theirs = connected(family)
    picture = tmp_path / "1.png"
    harness.save(picture, harness.texture())
    environment = {"TRAX_IN": str(theirs.fileno()), "TRAX_OUT": str(theirs.fileno())}
    process = subprocess.Popen(
        [harness.example("still_session"), "--delay", "600"],
        env={key: value for key, value in os.environ.items() if not key.startswith("TRAX_")} | environment,
        stderr=subprocess.PIPE,
        pass_fds=[theirs.fileno()],
    )
    theirs.close()
    try:
        ours.settimeout(harness.PATIENCE)
        with ours.makefile("rb") as reader:
            assert reader.readline().startswith(b"@@TRAX:hello ")
        ours.sendall(b"@@TRAX:initialize 20,16,24,18\n@@TRAX:frame file://" + os.fsencode(picture) + b"\n")
        time.sleep(0.5)
        ours.close()
        assert process.wait(30) == 0, process.stderr.read()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
        process.stderr.close()
