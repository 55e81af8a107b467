"""Downloads from a server on loopback that knows ranges, and how to misbehave."""

import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from attrax_vot.cli import main
from attrax_vot.errors import EvaluationError
from attrax_vot.weights.fetch import Fetched, NetworkError, fetch

#: More than any buffer on the way holds.
CONTENT = bytes(i * 31 % 251 for i in range(300_001))
MD5 = hashlib.md5(CONTENT).hexdigest()
WHOLE = Fetched(len(CONTENT), 0, MD5, hashlib.sha256(CONTENT).hexdigest(), True)


class Server(HTTPServer):
    """Serves `CONTENT` at any path, each request in the next of `manners`, the last one again and again."""

    def __init__(self, *manners: str | int):
        super().__init__(("127.0.0.1", 0), Handler)
        self.manners, self.ranges = list(manners), []
        self.url = f"http://127.0.0.1:{self.server_port}/file"
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    """How a request is treated: proper, no-ranges, no-length, wrong-range, redirect, 404, or cut after N bytes."""

    def do_GET(self):
        server = self.server
        manner = server.manners.pop(0) if len(server.manners) > 1 else server.manners[0]
        asked = self.headers.get("Range", "")
        server.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-") or 0)
        if manner == "404":
            return self.answer(404, b"", 0)
        if manner == "redirect":
            return self.answer(302, b"", 0, Location="/other")
        if manner == "no-length":
            return self.answer(200, CONTENT, None)
        if not asked or manner == "no-ranges":
            start, status, extra = 0, 200, {}
        elif start >= len(CONTENT):
            return self.answer(416, b"", 0, Content_Range=f"bytes */{len(CONTENT)}")
        else:
            first = start - 1 if manner == "wrong-range" else start
            status, extra = 206, {"Content_Range": f"bytes {first}-{len(CONTENT) - 1}/{len(CONTENT)}"}
        body = CONTENT[start:]
        sent = body[:manner] if isinstance(manner, int) else body
        return self.answer(status, sent, len(body), **extra)

    def answer(self, status: int, body: bytes, length: int | None, **headers: str):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Quiet."""


@pytest.fixture
def serve() -> Iterator[type]:
    servers = []

    def start(*manners: str | int) -> Server:
        servers.append(Server(*manners))
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("manners", [["proper"], ["no-length"], ["redirect", "proper"]])
def test_a_download_arrives_whole_and_is_verified(manners: list[str], serve, tmp_path: Path):
    steps = []
    target = tmp_path / "w.mat"
    assert fetch(serve(*manners).url, ("0", MD5), target, lambda done, total: steps.append(done)) == WHOLE
    assert target.read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["w.mat"]
    assert steps == sorted(steps) and steps[0] == 0 and steps[-1] == len(CONTENT)


def test_a_broken_connection_is_taken_up_again(serve, tmp_path: Path):
    server = serve(100_000, 150_000, "proper")
    assert fetch(server.url, (MD5,), tmp_path / "w") == WHOLE
    assert server.ranges == ["", "bytes=100000-", "bytes=250000-"]


def test_an_earlier_download_is_gone_on_with(serve, tmp_path: Path):
    target, partial = tmp_path / "w", tmp_path / "w.partial"
    with pytest.raises(NetworkError, match=r"ended after 70000 of 300001 bytes"):
        fetch(serve(70_000, 0).url, (MD5,), target)
    assert not target.exists() and partial.stat().st_size == 70_000
    server = serve("proper")
    assert fetch(server.url, (MD5,), target) == WHOLE._replace(resumed=70_000)
    assert server.ranges == ["bytes=70000-"] and not partial.exists()


@pytest.mark.parametrize(
    ("manner", "part", "resumed"),
    [("no-ranges", bytes(1000), 1000), ("proper", CONTENT, len(CONTENT)), ("proper", bytes(300_500), 300_001)],
)
def test_any_partial_file_ends_in_the_right_one(manner: str, part: bytes, resumed: int, serve, tmp_path: Path):
    (tmp_path / "w.partial").write_bytes(part)
    assert fetch(serve(manner).url, (MD5,), tmp_path / "w") == WHOLE._replace(resumed=resumed)
    assert (tmp_path / "w").read_bytes() == CONTENT


def test_another_file_is_refused_and_removed(serve, tmp_path: Path):
    with pytest.raises(EvaluationError, match=f"its MD5 is {MD5}, expected 0 or 1"):
        fetch(serve("proper").url, ("0", "1"), tmp_path / "w")
    assert not list(tmp_path.iterdir())


def test_what_is_there_already_is_kept(serve, tmp_path: Path):
    server = serve("proper")
    (tmp_path / "good").write_bytes(CONTENT)
    (tmp_path / "bad").write_bytes(b"mine")
    assert fetch(server.url, (MD5,), tmp_path / "good") == WHOLE._replace(resumed=len(CONTENT))
    with pytest.raises(EvaluationError, match="is there already, and is not the file at"):
        fetch(server.url, (MD5,), tmp_path / "bad")
    assert (tmp_path / "bad").read_bytes() == b"mine"
    assert not server.ranges, "nothing had to be asked for"


def test_refusals_and_silence_are_one_clear_line(serve, tmp_path: Path):
    closed = Server("proper")
    closed.shutdown()
    closed.server_close()
    (tmp_path / "wrong.partial").write_bytes(bytes(10))
    for url, target, words in [
        (closed.url, "offline", "refused"),
        ("http://name.invalid/file", "offline", "name.invalid"),
        ("no address", "offline", "no address"),
        ("file:///etc/passwd", "offline", "no http or https address"),
        (serve("404").url, "missing", "404"),
        (serve("wrong-range").url, "wrong", "another part"),
    ]:
        with pytest.raises(EvaluationError) as error:
            fetch(url, (MD5,), tmp_path / target)
        assert url in str(error.value) and words in str(error.value) and "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["wrong.partial"], "only what can be gone on with is kept"


def test_the_command_says_what_came_and_what_is_next(serve, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    url = serve("proper").url
    assert main(["weights", "fetch", "vgg-m", "--url", url]) == 1
    assert "expected 29294d5f62578c96a3533859514235f2" in capsys.readouterr().err
    assert main(["weights", "fetch", "vgg-m", "--url", url, "--unverified", "--out", "w.mat"]) == 0
    out = capsys.readouterr().out
    assert "w.mat: 300001 bytes\n" in out and "not verified" in out and WHOLE.sha256 in out
    assert "next: attrax-vot weights convert w.mat vgg-m.safetensors" in out
    assert main(["weights", "fetch", "vgg-m", "--out", "."]) == 1
    assert "is a folder; name a file with --out" in capsys.readouterr().err
