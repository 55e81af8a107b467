"""`attrax view` against clients without the token: it answers the page all the same, and its memory does not grow."""

from __future__ import annotations

import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from test_track_walk import ATTRAX, QUICK, attrax, frames
from test_view import request, view

pytestmark = pytest.mark.skipif(not ATTRAX.is_file(), reason="out/bin/attrax is not built: make build")

#: Seconds for an answer while the attack goes on, with other programs on the same cores.
SOON = 4.0
#: Kilobytes that the process may take in addition.
GROWTH = 48 << 10
HOST = "Host: 127.0.0.1\r\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen, str]]:
    """A page on three frames."""
    with view(frames(tmp_path_factory.mktemp("view") / "frames", 3)) as (process, address):
        yield process, address


def memory(process: subprocess.Popen) -> int:
    """Kilobytes in memory at the peak."""
    status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def threads(process: subprocess.Popen) -> int:
    """Threads of a process."""
    return len(list(Path(f"/proc/{process.pid}/task").iterdir()))


def connect(address: str) -> socket.socket:
    """A connection to the page's port."""
    return socket.create_connection(("127.0.0.1", urlsplit(address).port), timeout=30)


def send(connection: socket.socket, *parts: str | bytes) -> None:
    """Sends as much as the other end takes; it may close meanwhile."""
    with suppress(OSError):
        for part in parts:
            connection.sendall(part.encode("latin-1") if isinstance(part, str) else part)


def answer(connection: socket.socket) -> bytes:
    """What comes until the other end closes or resets the connection."""
    text = b""
    with suppress(ConnectionError):
        while part := connection.recv(1 << 16):
            text += part
    return text


def serves(process: subprocess.Popen, address: str, before: int) -> None:
    """The page and its news are answered soon, and the process has not grown."""
    query = urlsplit(address).query
    for path in (f"/?{query}", f"/about?{query}&page=good", f"/browse?{query}&page=good"):
        begun = time.monotonic()
        assert request(address, path)[0] == 200, path
        assert time.monotonic() - begun < SOON, path
    assert process.poll() is None
    assert memory(process) - before < GROWTH, f"{before} KB before, {memory(process)} KB now"


def attacked(served: tuple[subprocess.Popen, str], attack: Callable[[str], object]) -> None:
    """The page before, during and after an attack, whose connections stay open until then."""
    process, address = served
    assert request(address, f"/?{urlsplit(address).query}")[0] == 200
    before, running = memory(process), threads(process)
    attack(address)
    serves(process, address, before)
    # Answers have threads of their own for a few seconds.
    assert threads(process) <= running + 6


BODIES = [
    "Content-Length: 1000000000000000\r\n\r\n",
    "Content-Length: 18446744073709551615\r\n\r\n",
    "Content-Length: 18446744073709551616\r\n\r\n",
    "Content-Length: -1\r\n\r\n",
    "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
    "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
    "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nabc",
    "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_declared_body_is_refused_at_once(served, method: str, body: str):
    def attack(address: str) -> None:
        for path in ("/", "/view.js", f"/?{urlsplit(address).query}"):
            with connect(address) as connection:
                send(connection, f"{method} {path} HTTP/1.1\r\n{HOST}{body}")
                begun = time.monotonic()
                status = answer(connection)[:12]
                assert status[9:10] == b"4", status
                assert time.monotonic() - begun < SOON

    attacked(served, attack)


@pytest.mark.parametrize("count", [6, 60, 200])
def test_bodies_that_do_not_come_hold_nothing_up(served, count: int):
    with ExitStack() as stack:

        def attack(address: str) -> None:
            for _ in range(count):
                connection = stack.enter_context(connect(address))
                send(connection, f"POST /start HTTP/1.1\r\n{HOST}Content-Length: 1000\r\n\r\n")

        attacked(served, attack)


@pytest.mark.parametrize("count", [6, 60, 200])
def test_slow_headers_hold_nothing_up(served, count: int):
    with ExitStack() as stack:

        def attack(address: str) -> None:
            connections = [stack.enter_context(connect(address)) for _ in range(count)]
            for part in ("GET / HT", "TP/1.1\r\nHo", "st: 127."):
                for connection in connections:
                    send(connection, part)

        attacked(served, attack)


def test_slow_and_silent_connections_are_closed(served):
    _, address = served
    begun = time.monotonic()
    with connect(address) as silent, connect(address) as slow, connect(address) as idle:
        send(slow, "GET / HTTP/1.1\r\n")
        send(idle, f"GET /view.css HTTP/1.1\r\n{HOST}\r\n")
        assert b"200 OK" in answer(idle)
        for connection in (silent, slow):
            # Ends when the server closes.
            answer(connection)
    assert time.monotonic() - begun < 20


def test_pipelining_without_reading_holds_nothing_up(served):
    with ExitStack() as stack:

        def attack(address: str) -> None:
            for path in ("/view.js", f"/view.js?{urlsplit(address).query}", f"/?{urlsplit(address).query}"):
                for _ in range(4):
                    connection = stack.enter_context(connect(address))
                    connection.settimeout(0.5)
                    send(connection, f"GET {path} HTTP/1.1\r\n{HOST}\r\n" * 20000)

        attacked(served, attack)


def test_endless_headers_and_bodies_are_cut_off(served):
    def attack(address: str) -> None:
        for begin in (
            f"GET / HTTP/1.1\r\n{HOST}X-Long: ",
            f"GET /?token={'0' * 32}&more=",
            f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\nfffffff\r\n",
        ):
            with connect(address) as connection:
                send(connection, begin, *[b"a" * (1 << 20)] * 200)
                assert b" 200 " not in answer(connection)[:20]
        with connect(address) as connection:
            send(connection, f"GET / HTTP/1.1\r\n{HOST}", *[f"X-{number}: 1\r\n" for number in range(500)], "\r\n")
            assert b" 200 " not in answer(connection)[:20]

    attacked(served, attack)


GARBAGE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x00" * 100000,
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /\xff\xfe?token=\x80 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
    b"GET / HTTP/1.1\nHost: 127.0.0.1\n\n",
    b"\r\n" * 5000,
]


def test_garbage_is_refused(served):
    def attack(address: str) -> None:
        for garbage in GARBAGE:
            with connect(address) as connection:
                send(connection, garbage)
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)
                assert b" 200 " not in answer(connection)[:20], garbage

    attacked(served, attack)


def test_old_and_odd_clients_with_the_token_are_answered(served):
    _, address = served
    query = urlsplit(address).query
    for head in ("HTTP/1.0\r\nHost: localhost", "HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close"):
        with connect(address) as connection:
            send(connection, f"GET /?{query} {head}\r\n\r\n")
            text = answer(connection)
            assert b" 200 OK" in text[:20] and text.endswith(b"</html>\n")
    # Two requests on one connection.
    with connect(address) as connection:
        again = f"GET /?{query} HTTP/1.1\r\n{HOST}"
        send(connection, f"{again}\r\n{again}Connection: close\r\n\r\n")
        assert answer(connection).count(b"200 OK") == 2
    assert request(address, f"/?{query}", "PUT")[0] == 405
    assert request(address, f"/go?{query}&page=good")[0] == 405


def test_guessed_tokens_are_refused(served):
    def attack(address: str) -> None:
        token = urlsplit(address).query.partition("=")[2]
        for guess in (token[:-1], token + "0", token.upper() + "x", f"{token}%00", "", "%", "'" * 1000):
            assert request(address, f"/?token={guess}")[0] == 403, guess
        assert request(address, f"/?token=0&token={token}")[0] == 403

    attacked(served, attack)


def test_without_descriptors_the_page_waits_and_comes_back(tmp_path: Path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        process, address = stack.enter_context(view(frames(tmp_path / "frames", 3)))
        opened = len(list(Path(f"/proc/{process.pid}/fd").iterdir()))
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (opened + 8, hard))
        before = memory(process)
        connections = [stack.enter_context(connect(address)) for _ in range(40)]
        for connection in connections:
            send(connection, "GET / HT")
        serves(process, address, before)
        # None at all are free.
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (opened, hard))
        connections += [stack.enter_context(connect(address)) for _ in range(40)]
        time.sleep(0.5)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (soft, hard))
        serves(process, address, before)


def test_ctrl_c_ends_it_while_connections_are_open(tmp_path: Path):
    with view(frames(tmp_path / "frames", 3)) as (process, address), connect(address) as connection:
        send(connection, "GET / HT")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) in (-signal.SIGINT, 128 + signal.SIGINT)


def test_the_port_is_refused_to_others(served, tmp_path: Path):
    _, address = served
    ran = attrax("view", frames(tmp_path / "frames", 3), "--port", urlsplit(address).port, *QUICK)
    assert ran.returncode == 1 and "--port takes another one" in ran.stderr
