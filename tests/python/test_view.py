"""`attrax view` in a real browser, and who is refused."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from chromium import PATIENCE, Chromium
from conftest import shorten
from test_track_walk import ATTRAX, HEADER, QUICK, attrax

pytestmark = pytest.mark.skipif(not ATTRAX.is_file(), reason="out/bin/attrax is not built: make build")

# With so little to share, `fast` takes longer; but its maps take one pass.
FLAGS = ("--preset", "released", *QUICK)
MAPS = ("--preset", "fast", *QUICK)
COUNT = 6


@pytest.fixture(scope="module")
def folder(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first frames of a sequence of the demo, without its ground truth."""
    sequence = shorten(demo, tmp_path_factory.mktemp("view") / "short", {"turning": COUNT}) / "turning"
    (sequence / "groundtruth.txt").unlink()
    return sequence


@pytest.fixture
def browser(chromium: str, tmp_path: Path) -> Iterator[Chromium]:
    """A browser that has no page open."""
    with Chromium(chromium, tmp_path / "profile") as browser:
        yield browser


@contextmanager
def view(clip: Path | str, *, pipes: dict | None = None, **variables: str) -> Iterator[tuple[subprocess.Popen, str]]:
    """The program, and the address that it prints."""
    command = [ATTRAX, "view", clip, "--port", "0", *FLAGS]
    environment = {**os.environ, **variables}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, **(pipes or {})) as process:
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def request(address: str, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    """Status and text of an answer. `path` begins after the host."""
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(address).port, timeout=PATIENCE)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode(errors="replace")


def children(process: subprocess.Popen) -> list[str]:
    """The numbers of a process's children."""
    found: list[str] = []
    for thread in Path(f"/proc/{process.pid}/task").iterdir():
        # A thread may end meanwhile; its children are then another's.
        with suppress(FileNotFoundError, ProcessLookupError):
            found += (thread / "children").read_text().split()
    return found


def wait(condition, what: str, seconds: float = PATIENCE) -> None:
    """Waits until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def saved(page, button: str, path: Path) -> bytes:
    """Presses a button that saves something, and reads what was saved."""
    page.browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(path.parent))
    page.click(button)
    wait(path.is_file, f"{path.name} is not saved: {page.value('by(`state`).textContent')}")
    # Chromium gives a file its name when it is whole.
    return path.read_bytes()


def test_a_box_is_drawn_and_followed_to_the_end(folder: Path, browser: Chromium, tmp_path: Path):
    with view(folder) as (_, address):
        page = browser.open(address)
        page.until("!by('main').hidden && by('frame').naturalWidth === 320 && by('start').disabled")
        page.drag("#stage", [(0.2, 0.25), (0.3, 0.4), (0.36, 0.52)])
        box = [float(value) for value in page.value("by('box').value").split(",")]
        assert box == pytest.approx([64, 60, 51.2, 64.8], abs=1)
        page.value("by('preset').value = 'fast'")
        page.click("#start")
        page.until("document.body.dataset.phase === 'ended'")
        assert page.value("by('state').textContent").startswith(f"Done: {COUNT} of {COUNT} frames tracked, ")
        # Frame, attention and scores have come, and the chart has a point for each frame but the
        # first.
        page.until("[...document.images].every((each) => each.complete && each.naturalWidth > 0)")
        assert page.value("document.querySelectorAll('#sights img').length") == 2
        assert (
            page.value("document.querySelector('#chart polyline').getAttribute('points').split(' ').length")
            == COUNT - 1
        )
        # What is saved is what attrax track writes.
        ran = attrax("track", folder, "--box", page.value("by('box').value"), "--maps", tmp_path / "maps", *MAPS)
        assert saved(page, "#boxes", tmp_path / "boxes.csv").decode() == ran.stdout

        # Through what was tracked, by keys, by the chart, and by the slider, which has keys of its
        # own.
        assert page.value("at") == COUNT - 1
        page.press("ArrowLeft")
        assert page.value("by('place').textContent") == f"{COUNT - 1} / {COUNT}"
        page.click("#chart")
        assert page.value("[at, by('seek').value].join()") in ("2,3", "3,4")
        page.value("by('seek').focus()")
        page.call("Input.dispatchKeyEvent", type="rawKeyDown", key="Home", windowsVirtualKeyCode=36)
        page.until("at === 0 && document.querySelectorAll('#drawn .draft').length === 1")

        # Again, two of them, with another lambda and without maps.
        page.click("#both")
        page.click("#maps")
        page.value("(by('lambda').value = '2', by('preset').value = 'released')")
        page.click("#start")
        page.until("news.run === 2 && news.phase === 'ended'")
        assert page.value("news.names.join('; ')") == "released, lambda 2; mdnet"
        (tmp_path / "boxes.csv").unlink()
        header, *lines = saved(page, "#boxes", tmp_path / "boxes.csv").decode().splitlines()
        assert header == HEADER + "," + ",".join(f"also_{name}" for name in HEADER.split(","))
        for start, flags in ((0, ("--preset", "released", "--lambda", "2")), (7, ("--preset", "mdnet"))):
            alone = attrax("track", folder, "--box", page.value("by('box').value"), *QUICK, *flags)
            assert [",".join(line.split(",")[start : start + 7]) for line in lines] == alone.stdout.splitlines()[1:]
        assert browser.complaints == []


def test_a_narrow_page_by_touch_and_keys(demo: Path, browser: Chromium):
    with view(demo / "turning") as (_, address):
        page = browser.open(address, 390, 844, dark=True)
        # The box of the ground truth is there already.
        given = page.until("!by('main').hidden && by('frame').naturalWidth && target().box?.join()")
        assert page.value("document.documentElement.scrollWidth") == 390
        assert page.value("getComputedStyle(document.body).backgroundColor") == "rgb(20, 25, 29)"
        page.swipe("#stage", (0.2, 0.25), (0.36, 0.52))
        page.until(f"target().box.join() !== '{given}' && !corner")
        before = page.value("target().box")
        # Two fingers zoom and draw nothing.
        page.pinch("#stage", 0.1, 0.3)
        assert page.value("zoom.factor") == pytest.approx(3, rel=0.05) and page.value("target().box") == before
        page.pinch("#stage", 0.4, 0.1)
        assert page.value("zoom.factor") == 1 and page.value("pointers.size") == 0
        page.click("#maps")
        # The keys of the page are those of what has no keys of its own.
        page.value("by('stage').focus()")
        page.press("ArrowRight")
        page.press("ArrowDown", shift=True)
        assert page.value("target().box") == [before[0] + 1, before[1], before[2], before[3] + 1]
        page.press("s")
        page.until("news.run === 1")
        page.press(" ")
        page.until("news.phase === 'paused' && !by('step').disabled")
        tracked = page.value("frames.length")
        page.press("n")
        page.until(f"frames.length === {tracked + 1} && news.phase === 'paused'")
        # Loaded again, it is the same page, and shows the same run and its box.
        page.call("Page.reload")
        page.until(f"typeof frames === 'object' && frames.length === {tracked + 1}")
        assert page.value("target().box") == [before[0] + 1, before[1], before[2], before[3] + 1]
        page.press(" ")
        page.until(f"frames.length > {tracked + 2}")
        assert page.value("document.documentElement.scrollWidth") == 390
        assert browser.complaints == []


def test_others_are_refused(folder: Path):
    with view(folder) as (_, address):
        query = urlsplit(address).query
        host = urlsplit(address).netloc
        first, second = f"{query}&page=first", f"{query}&page=second"
        assert request(address, f"/?{query}")[0] == 200
        for path in ("/", "/?token=", f"/?token={'0' * 32}", "/about?page=first", "/frame?run=1&frame=0&page=first"):
            status, text = request(address, path)
            assert status == 403 and "token" in text, path
        for headers in (
            {"Host": "evil.example"},
            {"Host": f"evil.example:{urlsplit(address).port}"},
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:1"},
            {"Host": host, "Origin": f"https://{host}"},
        ):
            for path in (f"/?{query}", f"/about?{first}", "/view.js"):
                assert request(address, path, **headers)[0] == 403, headers
        for headers in ({"Origin": f"http://{host}"}, {"Host": "localhost:9999", "Origin": "http://localhost:9999"}):
            assert request(address, f"/about?{first}", **headers)[0] == 200
        # One page at a time, until it says that it leaves.
        assert request(address, f"/about?{second}") == (409, "another page is open")
        assert request(address, f"/start?{second}&box=1,2,3,4&preset=fast", "POST")[0] == 409
        for path, status, words in (
            ("start", 400, "four numbers"),
            ("start?box=1,2,3,4&preset=slow", 400, "slow"),
            ("start?box=1,2,3,4&preset=fast&lambda=-1", 400, "at least 0"),
            ("go/../..", 404, ""),
            ("leave", 200, ""),
        ):
            name, _, more = path.partition("?")
            answer = request(address, f"/{name}?{first}&{more}", "POST")
            assert answer[0] == status and words in answer[1], path
        assert request(address, f"/about?{second}")[0] == 200
        for path in ("nothing", "frame", "scores", "boxes", "video", "frame?run=1&frame=99999999"):
            assert request(address, f"/{path}{'&' if '?' in path else '?'}{second}")[0] == 404, path
        for number in ("99999999999999999999", "-1", "1e3", "x", "%31"):
            answer = request(address, f"/browse?frame={number}&{second}")
            assert answer == (400, "frame: a whole number is needed"), number
        # A box that cannot be tracked is refused before anything is learnt.
        answer = request(address, f"/start?{second}&box=900,900,5,5&preset=fast", "POST")
        assert answer[0] == 400 and "outside the frame" in answer[1]


def test_pages_that_are_gone_leave_nothing(folder: Path, ffmpeg: str, chromium: str, browser: Chromium, tmp_path: Path):
    clip = tmp_path / "clip.mkv"
    # Long, so that its decoder has not ended by itself.
    make = [
        ffmpeg,
        "-loglevel",
        "error",
        "-stream_loop",
        "30",
        "-i",
        folder / "color" / "%08d.jpg",
        "-c:v",
        "ffv1",
        clip,
    ]
    subprocess.run(make, check=True)
    with view(clip) as (process, address):
        wait(lambda: not children(process), "the first frame's decoder stays")
        page = browser.open(address)
        page.until("!by('main').hidden")
        page.value("(by('box').value = '60,60,60,60', readBox(), by('maps').click())")
        page.click("#start")
        page.until("frames.length > 1")
        page.click("#pause")
        page.until("news.phase === 'paused'")
        assert saved(page, "#video", tmp_path / "seen.mp4")[4:8] == b"ftyp"
        wait(lambda: len(children(process)) == 1, "one decoder")
        # A second page waits, and takes over when the first one is closed.
        with Chromium(chromium, tmp_path / "other") as other:
            second = other.open(address)
            second.until("!by('refused').hidden && by('main').hidden")
            page.call("Page.navigate", url="about:blank")
            second.until("by('refused').hidden && !by('main').hidden && news.phase === 'paused'")
            assert len(children(process)) == 1
            assert browser.complaints == []
        # That one was killed with its browser.
        wait(lambda: not children(process), "the decoder stays")
        assert process.poll() is None
        status, text = request(address, f"/news?{urlsplit(address).query}&page=third")
        assert status == 200 and '"phase":"ended"' in text and "the page was closed" in text
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == -signal.SIGINT
        assert not list(Path("/tmp").glob(f"attrax-view-{process.pid}-*"))


def test_ctrl_c_while_a_video_is_saved_leaves_nothing(folder: Path, browser: Chromium, tmp_path: Path):
    """An ffmpeg that takes frames and never ends: its process and its folder go with the program."""
    program, notes, temporary = tmp_path / "ffmpeg", tmp_path / "pid", tmp_path / "temporary"
    temporary.mkdir()
    program.write_text(f'#!/bin/sh\n[ "$1" = -version ] && exit 0\necho $$ > {notes}\ncat > /dev/null\nsleep 600\n')
    program.chmod(0o755)
    with view(folder, ATTRAX_FFMPEG=str(program), TMPDIR=str(temporary)) as (process, address):
        page = browser.open(address)
        page.until("!by('main').hidden && by('frame').naturalWidth === 320")
        page.drag("#stage", [(0.2, 0.25), (0.3, 0.4), (0.36, 0.52)])
        page.click("#start")
        page.until("document.body.dataset.phase === 'ended'")
        page.click("#video")
        wait(lambda: notes.is_file() and notes.read_text().strip(), "no ffmpeg was started")
        assert [path.name.startswith("attrax-view-") for path in temporary.iterdir()] == [True]
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == -signal.SIGINT
        wait(lambda: not Path(f"/proc/{notes.read_text().strip()}").exists(), "ffmpeg is still there", 10)
        assert list(temporary.iterdir()) == []


@pytest.mark.usefixtures("ffmpeg")
def test_what_cannot_be_shown_is_refused(folder: Path, tmp_path: Path):
    for arguments, words in (
        (["/dev/video77"], "/dev/video77: after 0 frames: ffmpeg cannot read it ("),
        (["gopher://127.0.0.1/1"], "addresses of gopher are not read"),
        ([tmp_path / "none"], "no such file or folder"),
        ([folder, "--port", "65536"], "65536 is not in 0..=65535"),
    ):
        ran = attrax("view", *arguments, *QUICK)
        assert ran.returncode != 0 and words in ran.stderr
    with view(folder) as (_, address):
        ran = attrax("view", folder, "--port", urlsplit(address).port, *QUICK)
        assert ran.returncode == 1 and "--port takes another one" in ran.stderr
