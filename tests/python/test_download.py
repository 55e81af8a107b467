"""`init` without a dataset: a server on loopback with the toolkit's own layout, and how it misbehaves."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from conftest import shorten

from attrax_vot.cli import main
from attrax_vot.run import workspace
from attrax_vot.weights import fetch

LENGTHS = {"turning": 13, "twins": 12, "passing": 12}


class Server(ThreadingHTTPServer):
    """Serves files by path; `manners` has what happens to the next requests of a path."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.manners, self.requests = files, {}, []
        self.url = f"http://127.0.0.1:{self.server_port}/vot/main/description.json"
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    """404, cut (half of what is asked for), damaged (a wrong byte), slow (longer than is waited), or whole."""

    def do_GET(self):
        manners = self.server.manners.get(self.path, [])
        manner = manners.pop(0) if manners else "whole"
        asked = self.headers.get("Range", "")
        self.server.requests.append((self.path, asked))
        if manner == "404" or self.path not in self.server.files:
            return self.send_error(404)
        if manner == "slow":
            time.sleep(1.0)
        data = self.server.files[self.path]
        if manner == "damaged":
            middle = len(data) // 2
            data = data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :]
        start = int(asked.removeprefix("bytes=").removesuffix("-") or 0)
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        body = data[start:]
        self.wfile.write(body[: len(body) // 2] if manner == "cut" else body)
        return None

    def log_message(self, *_):
        """Quiet."""


def archive(files: list[Path]) -> bytes:
    """A ZIP of files, without folders."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as zipped:
        for file in files:
            zipped.writestr(file.name, file.read_bytes())
    return data.getvalue()


@pytest.fixture
def server(demo: Path, tmp_path: Path) -> Iterator[Server]:
    """Three short sequences."""
    data = shorten(demo, tmp_path / "data", LENGTHS)
    files, sequences = {}, []
    for name, length in LENGTHS.items():
        archives = {
            "annotations": [data / name / "groundtruth.txt"],
            "color": sorted((data / name / "color").iterdir()),
        }
        about = {}
        for kind, found in archives.items():
            files[f"/vot/main/{kind}/{name}.zip"] = archive(found)
            size = sum(each.stat().st_size for each in found)
            about[kind] = {"url": f"{kind}/{name}.zip", "uid": f"{kind}-{name}", "uncompressed": size}
        about["color"]["pattern"] = "%08d.jpg"
        described = {"name": name, "fps": 30, "length": length, "width": 320, "height": 240}
        sequences.append({**described, "annotations": about["annotations"], "channels": {"color": about["color"]}})
    files["/vot/main/description.json"] = json.dumps({"name": "three", "sequences": sequences}).encode()
    with Server(files) as serving:
        yield serving
        serving.shutdown()


def init(server: Server, tmp_path: Path, registry: Path) -> int:
    """Makes a workspace of a stack whose dataset the server has."""
    stack = tmp_path / "stack.yaml"
    stack.write_text(yaml.safe_dump({**workspace.read_stack("vot2016/rgb"), "dataset": server.url}))
    options = ["--stack", str(stack), "--registry", str(registry), "--experiments", "baseline"]
    return main(["init", str(tmp_path / "space"), *options])


#: A description with a name that leads out of the folder.
OUTSIDE = {"name": "../a", "fps": 1, "annotations": {"url": "a", "uid": "b"}, "channels": {}}


def test_a_download_goes_on_and_says_what_is_missing(
    server: Server, registry: Path, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(fetch, "PATIENCE", 0.3)
    frames, other = "/vot/main/color/twins.zip", "/vot/main/color/turning.zip"
    # The first run: a break that is gone on with, a missing file, and a damaged archive.
    server.manners = {frames: ["cut"], "/vot/main/annotations/passing.zip": ["404"], other: ["damaged"]}
    assert init(server, tmp_path, registry) == 1
    said = capsys.readouterr()
    assert "2 of 3 sequences could not be downloaded" in said.err and "turning, passing" in said.err
    assert "the server answers 404" in said.out and "turning.zip is damaged" in said.out
    assert "2 of 3: twins: " in said.out and " MB" in said.out
    half = len(server.files[frames]) // 2
    assert (frames, f"bytes={half}-") in server.requests
    sequences = tmp_path / "space" / "sequences"
    assert not (sequences / "list.txt").exists() and not (sequences / "turning" / "sequence").exists()
    # The second: one is there, one is downloaded anew, and one breaks off without having brought
    # anything.
    server.requests.clear()
    server.manners = {"/vot/main/color/passing.zip": ["slow"]}
    assert init(server, tmp_path, registry) == 1
    said = capsys.readouterr()
    assert "2 of 3: twins: is there" in said.out and "timed out" in said.out
    assert not any(path == frames for path, _ in server.requests)
    # The third: what was downloaded is not asked for again, and the workspace is made.
    server.requests.clear()
    assert init(server, tmp_path, registry) == 0
    asked = [path for path, _ in server.requests]
    assert asked == ["/vot/main/description.json", "/vot/main/color/passing.zip"]
    assert (sequences / "list.txt").read_text().split() == list(LENGTHS)
    assert not (sequences / ".download").exists()
    found = {each.name: len(each) for each in workspace.load(tmp_path / "space").dataset}
    assert found == LENGTHS
    # The fourth asks for nothing.
    server.requests.clear()
    assert init(server, tmp_path, registry) == 0
    assert server.requests == []
    run_and_report(tmp_path / "space")


def run_and_report(space: Path):
    """The stack's own fifteen repetitions of a downloaded dataset, up to the report."""
    assert main(["run", str(space), "Jitter", "--no-estimate"]) == 0
    assert main(["report", str(space)]) == 0
    content = json.loads((space / "report" / "summary.json").read_text())
    (tracker,) = content["trackers"]
    assert {row["name"]: (row["frames"], row["repetitions"]) for row in tracker["per_sequence"]} == {
        name: (length, 15) for name, length in LENGTHS.items()
    }
    # It stays where it was put, and the targets move.
    assert 0 < tracker["accuracy"] < 1 and 0 < tracker["eao"] < 1 and tracker["failures"] > 1
    # Each repetition has draws of its own.
    found = {path.read_bytes() for path in (space / "results" / "Jitter" / "baseline" / "twins").glob("twins_0*.bin")}
    assert len(found) == 15
    page = (space / "report" / "report.html").read_text()
    assert all(f'id="on-{name}"' in page for name in LENGTHS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"<html>", "is not a description of a dataset"),
        (b"[]", "is not a description of a dataset"),
        (b'{"sequences": [{"name": "a"}]}', "is not a description of a dataset"),
        (json.dumps({"sequences": [OUTSIDE]}).encode(), "'../a' cannot be the name"),
    ],
)
def test_what_is_no_description(server: Server, registry: Path, tmp_path: Path, capsys, text, words: str):
    server.files["/vot/main/description.json"] = text
    assert init(server, tmp_path, registry) == 1
    assert words in capsys.readouterr().err


def test_a_server_that_is_not_there(registry: Path, tmp_path: Path, server: Server, capsys):
    server.url = "http://127.0.0.1:9/description.json"
    assert init(server, tmp_path, registry) == 1
    said = capsys.readouterr().err
    assert "cannot download http://127.0.0.1:9" in said and "--dataset" in said
