"""`attrax-vot explore` in a real browser, and who is refused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from axe import serious
from chromium import PATIENCE, Chromium
from conftest import PROJECT
from test_view import request, wait
from test_view_attacks import HOST, SOON, answer, connect, send

from attrax_vot.analysis import apart
from attrax_vot.cli import main
from attrax_vot.explore import site
from attrax_vot.explore.board import Board
from attrax_vot.explore.guard import Query, Refusal
from attrax_vot.explore.maps import Maps
from attrax_vot.explore.study import Study
from attrax_vot.report.collect import collect
from attrax_vot.run.opened import OpenWorkspace


@contextmanager
def serving(directory: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of a workspace's page, and the process that serves it, which ends by Ctrl-C."""
    command = [sys.executable, "-m", "attrax_vot", "explore", directory, "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "evaluation")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0


@pytest.fixture
def served(two_trackers: Path, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A copy of the workspace, and the address of its page."""
    copy = tmp_path / "space"
    shutil.copytree(two_trackers, copy, symlinks=True)
    with serving(copy) as (address, _):
        yield copy, address


def get(address: str, path: str, **fields: object) -> object:
    """The JSON of an answer."""
    query = "&".join([urlsplit(address).query, *(f"{key}={value}" for key, value in fields.items())])
    status, text = request(address, f"/{path}?{query}")
    assert status == 200, text
    return json.loads(text)


def scored(address: str) -> dict:
    """The overview when everything is scored."""
    wait(lambda: not get(address, "overview", since=0)["busy"], "the page is not ready")
    return get(address, "overview", since=0)


def test_a_browser_shows_table_curves_and_frames(served, chromium: str, tmp_path: Path):
    directory, address = served
    # A run that goes on: one tracker's results come while the page is open.
    late = tmp_path / "late"
    (directory / "results" / "Drift").rename(late)
    with Chromium(chromium, tmp_path / "profile") as browser:
        page = browser.open(address, 1400, 900)
        page.until("board && !board.busy && document.querySelectorAll('#table tbody tr').length === 2")
        assert page.value("experiment().trackers.map((each) => each.reference).join()") == "Jitter"
        late.rename(directory / "results" / "Drift")
        page.until("experiment().trackers.length === 2 && !board.busy")
        report = collect(OpenWorkspace(directory), [], pictures=False)
        # The cells are the report's numbers.
        for entry in report.entries:
            shown = page.value(f"experiment().trackers.find((each) => each.reference === '{entry.reference}').total")
            assert shown["accuracy"] == pytest.approx(entry.scores.total.accuracy, abs=1e-5)
            assert shown["failures"] == entry.scores.total.failures
        head = page.value("[...document.querySelectorAll('#table thead th')].map((each) => each.innerText).join()")
        assert head.split(",")[:2] == ["sequence", "frames"] and "Drifting <b>" in head
        assert serious(page) == []
        use_table(page)
        use_player(page)
        # The other experiment has curves of its own, and scores without a restart.
        page.value(CHANGE.format("experiment", "unsupervised", "experiment"))
        assert page.value("document.querySelectorAll('#curves polyline').length") == 4
        (one, *_) = report.one_pass
        assert page.value("experiment().trackers[0].total.success") == pytest.approx(one.total.success, abs=1e-5)

        use_narrow(browser, address)
        assert browser.complaints == []


#: Sets a field of the page.
CHANGE = "(by('{}').value = '{}', by('{}').dispatchEvent(new Event('input')))"


def use_table(page):
    # Sorted by a head, by keys, and filtered by name, attribute and value.
    names = "[...document.querySelectorAll('#table tbody th')].map((each) => each.innerText).join()"
    page.click("#table thead button[data-id=frames]")
    assert page.value(names) == "twins,turning"
    page.value("document.querySelector('#table thead button[data-id=frames]').click()")
    assert page.value(names) == "turning,twins"
    assert page.value("document.activeElement.dataset.id") == "frames"
    for field, text, left in (("name", "TURN", "turning"), ("attribute", "occlusion", "twins")):
        page.value(CHANGE.format(field, text, field))
        assert page.value(names) == left
        page.value(CHANGE.format(field, "", field))
    page.value(CHANGE.format("measure", "failures", "measure"))
    page.value(CHANGE.format("bound", "least", "bound"))
    page.value(CHANGE.format("limit", "99", "limit"))
    assert page.value(names) == ""
    page.value(CHANGE.format("bound", "", "bound"))
    # Curves answer the pointer and keys.
    assert page.value("document.querySelectorAll('#curves polyline').length") == 2
    page.call("Input.dispatchMouseEvent", type="mouseMoved", **middle(page, "#curves svg[role=img]"))
    read = "document.querySelector('#curves .readout').innerText"
    page.until(f"{read}.startsWith('at ')")
    before = page.value(read)
    page.value("document.querySelector('#curves svg[role=img]').focus()")
    page.press("ArrowRight")
    assert page.value(read) != before


def use_player(page):
    # A cell opens the player with its tracker, a name with all.
    page.click("#table tbody tr:nth-child(2) td:nth-child(4)")
    page.until("clip?.name === 'twins' && runs.size === 2 && by('frame').naturalWidth === 320 && windows.length")
    assert page.value("chosenRuns().length") == 1
    assert serious(page) == []
    page.value("by('runs').querySelectorAll('input').forEach((each) => each.checked || each.click())")
    page.value("go(2)")
    assert page.value("document.querySelectorAll('#boxes .box').length") == 3
    lost = page.value("runs.get('Drift').states.indexOf('lost')")
    assert lost > 0
    page.value("by('stage').focus()")
    page.press("f")
    assert page.value("at") <= lost
    page.value(f"go({lost})")
    assert "lost" in page.value("by('runs').querySelector('[data-of=Drift]').innerText")
    page.press("ArrowLeft")
    assert page.value("[at, by('place').textContent].join()") == f"{lost - 1},{lost - 1} / 19"
    page.press("d")
    page.until("chosenWindow === 0 && clip.name === windows[0].sequence && at === windows[0].start && runs.size === 2")
    page.press("Home")
    page.press("]")
    page.press(" ")
    page.until("!playing && at === clip.frames - 1")
    page.click("#overlap")
    assert 0 < page.value("at") < page.value("clip.frames - 1")
    page.press("Escape")
    page.until("!by('overview').hidden")


def use_narrow(browser: Chromium, address: str):
    # Narrow and dark, by touch; an address leads to its frame.
    small = browser.open(f"{address}#sequence=twins&experiment=baseline&frame=3", 390, 844, dark=True)
    small.until("clip?.name === 'twins' && at === 3 && runs.size === 2 && by('frame').naturalWidth === 320")
    assert small.value("document.documentElement.scrollWidth") == 390
    assert small.value("getComputedStyle(document.body).backgroundColor") == "rgb(20, 25, 29)"
    assert serious(small) == []
    small.swipe("#overlap", (0.2, 0.5), (0.6, 0.5))
    small.until("at > 3")
    small.click("#back")
    small.until("!by('overview').hidden")
    assert serious(small) == []
    assert small.value("document.documentElement.scrollWidth") == 390


def middle(page, selector: str) -> dict[str, float]:
    """The middle of an element, which is scrolled into view."""
    script = f"document.querySelector('{selector}')"
    page.value(f"{script}.scrollIntoView({{block: 'center'}})")
    area = page.value(f"{script}.getBoundingClientRect().toJSON()")
    return {"x": area["x"] + area["width"] / 2, "y": area["y"] + area["height"] / 2}


def test_others_are_refused_and_hold_nothing_up(served):
    _, address = served
    query, host = urlsplit(address).query, urlsplit(address).netloc
    overview = scored(address)
    assert [each["name"] for each in overview["experiments"]] == ["baseline", "unsupervised"]
    for path in ("/", "/?token=", f"/?token={'0' * 32}", "/overview", "/frame?sequence=twins&number=0"):
        status, text = request(address, path)
        assert status == 403 and "token" in text, path
    for headers in (
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": host, "Origin": f"https://{host}"},
    ):
        for path in (f"/?{query}", f"/overview?{query}", "/explore.css"):
            assert request(address, path, **headers)[0] == 403, headers
    named = f"{query}&experiment=baseline&sequence=twins"
    for path, status in (
        ("/explore.css", 200),
        (f"/run?{named}&tracker=Drift", 200),
        (f"/run?{named}&tracker=Drift&repetition=2", 404),
        (f"/run?{named}&tracker=../Drift", 404),
        (f"/sequence?{query}&experiment=baseline&sequence=../twins", 404),
        (f"/differences?{query}&experiment=none", 404),
        (f"/frame?{named}&number=19", 200),
        (f"/frame?{named}&number=20", 404),
        (f"/frame?{named}&number=-1", 400),
        (f"/frame?{named}&number=99999999999999999999", 400),
        (f"/frame?{query}&sequence=%2e%2e%2ftwins&number=0", 404),
        (f"/../../etc/passwd?{query}", 404),
        (f"/?{query}{'&a=b' * 40}", 400),
    ):
        assert request(address, path)[0] == status, path
    assert request(address, f"/overview?{query}", "POST")[0] == 501
    for start, wanted in (
        (f"GET /?{query} HTTP/1.1\r\n{HOST}Content-Length: 1000000000000\r\n\r\n", b"413"),
        (f"GET /?{query} HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n", b"413"),
        (f"GET http://evil.example/?{query} HTTP/1.1\r\n{HOST}\r\n", b"403"),
        ("GET / HTTP/1.1\r\n\r\n", b"403"),
        (f"{'x' * 70}\r\n\r\n", b"400"),
    ):
        with connect(address) as connection:
            send(connection, start)
            assert answer(connection)[9:12] == wanted, start
    with ExitStack() as stack:
        # More than are held open: silent, slow, and with headers that do not end.
        others = [stack.enter_context(connect(address)) for _ in range(200)]
        for index, connection in enumerate(others):
            send(connection, ("", "GET / HTTP/1.1\r\nHo", "GET / HTTP/1.1\r\nX: " + "y" * 30_000)[index % 3])
        for _ in range(3):
            begun = time.monotonic()
            assert request(address, f"/run?{named}&tracker=Jitter")[0] == 200
            assert time.monotonic() - begun < SOON


def test_only_images_of_the_workspace_are_sent(tmp_path: Path):
    inside = tmp_path / "space"
    inside.mkdir()
    for name, data in (("real.jpg", b"\xff\xd8\xff..."), ("text.jpg", b"root:x:0:0"), ("empty.jpg", b"")):
        (inside / name).write_bytes(data)
    os.mkfifo(inside / "pipe.jpg")
    (tmp_path / "secret.jpg").write_bytes(b"\xff\xd8\xff")
    assert site.picture(inside / "real.jpg", inside).kind == "image/jpeg"
    for name in ("text.jpg", "empty.jpg", "pipe.jpg", "none.jpg", "../secret.jpg", "."):
        with pytest.raises(Refusal):
            site.picture(inside / name, inside)


def test_scores_are_kept_until_results_change(two_trackers: Path, tmp_path: Path, monkeypatch):
    copy = tmp_path / "space"
    shutil.copytree(two_trackers, copy, symlinks=True)
    scored: list[str] = []
    score = Board._score

    def counted(self, run):
        scored.append(f"{run.experiment.identifier} {run.reference}")
        return score(self, run)

    monkeypatch.setattr(Board, "_score", counted)
    documents = []
    for wanted in (4, 0, 1):
        board = Board(Study(OpenWorkspace(copy), []))
        board.look()
        assert len(scored) == wanted, scored
        documents.append({**board.document(0, 0), "version": 0})
        scored.clear()
        if wanted == 0:
            result = next((copy / "results" / "Drift" / "baseline" / "twins").glob("twins_001*"))
            os.utime(result, (1, 1))
    assert json.dumps(documents[0]) == json.dumps(documents[1]) == json.dumps(documents[2])


def test_results_that_change_while_they_are_scored_are_scored_again(two_trackers: Path, tmp_path: Path, monkeypatch):
    copy, away = tmp_path / "space", tmp_path / "away"
    shutil.copytree(two_trackers, copy, symlinks=True)
    board = Board(Study(OpenWorkspace(copy, [], checked=False), ["Drift"]))
    score = Board._score

    def moved(self, run):
        # There is nothing while it is scored, and other files afterwards.
        (copy / "results" / "Drift").rename(away)
        try:
            return score(self, run)
        finally:
            away.rename(copy / "results" / "Drift")
            os.utime(copy / "results" / "Drift" / run.experiment.identifier / "twins" / "twins_001.bin", (1, 1))

    with monkeypatch.context() as patch:
        patch.setattr(Board, "_score", moved)
        board.look()
    board.look()
    assert [len(each["trackers"]) for each in board.document(0, 0)["experiments"]] == [1, 1]


def test_a_damaged_sequence_is_a_problem_of_its_own(two_trackers: Path, tmp_path: Path):
    copy = tmp_path / "space"
    shutil.copytree(two_trackers, copy)
    (copy / "sequences" / "twins" / "color" / "00000020.jpg").unlink()
    study = Study(OpenWorkspace(copy, checked=False), [])
    board = Board(study)
    board.look()
    found = board.document(0, 0)
    assert any("twins has 19 frames for 20 rows of ground truth" in each for each in found["problems"])
    assert [(each["name"], each["frames"]) for each in found["sequences"]] == [("turning", 16)]
    shown = found["experiments"][0]["trackers"]
    assert len(shown) == 2 and all(list(each["rows"]) == ["turning"] for each in shown)
    with pytest.raises(Refusal, match="no such sequence"):
        site.Site(study, board, Maps(study)).answer(Query("/sequence", {"sequence": "twins", "experiment": "baseline"}))


def test_windows_are_apart_and_the_largest_come_first():
    first, second = np.full(100, 0.5), np.full(100, 0.5)
    first[20:30], second[60:70], second[5] = 1.0, 0.1, np.nan
    found = apart.stretches(first, second, 10, 5)
    assert [(each.start, each.frames) for each in found] == [(20, 10), (60, 10)]
    assert (found[0].first, found[1].second) == (1.0, 0.1)
    assert apart.stretches(first, first, 10, 5) == []
    assert [each.frames for each in apart.stretches(first[20:25], second[20:25], 10, 5)] == [5]


def test_what_cannot_be_shown_is_said(two_trackers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for arguments, words in (
        ([tmp_path], "is not a workspace"),
        ([two_trackers, "Jiter"], "no tracker Jiter"),
        ([two_trackers, "--reference", tmp_path / "none"], "there is no folder"),
    ):
        assert main(["explore", *map(str, arguments), "--port", "0"]) == 1
        assert words in capsys.readouterr().err
    for port in ("65536", "-1", "x"):
        with pytest.raises(SystemExit):
            main(["explore", str(two_trackers), f"--port={port}"])
