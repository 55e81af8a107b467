"""Corrections in `attrax view`: start at any frame, new boxes, play back, zoom, overlap, command line."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Chromium, Page
from conftest import shorten
from test_track_walk import ATTRAX, attrax
from test_view import request, saved, view

pytestmark = pytest.mark.skipif(not ATTRAX.is_file(), reason="out/bin/attrax is not built: make build")

COUNT = 8


@pytest.fixture(scope="module")
def sequence(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first frames of a sequence of the demo, with their ground truth."""
    return shorten(demo, tmp_path_factory.mktemp("view") / "short", {"turning": COUNT}) / "turning"


@pytest.fixture
def browser(chromium: str, tmp_path: Path) -> Iterator[Chromium]:
    """A browser that has no page open."""
    with Chromium(chromium, tmp_path / "profile") as browser:
        yield browser


def truth(sequence: Path, frame: int) -> str:
    """The box around the ground truth of a frame, counted from 0."""
    numbers = [float(value) for value in (sequence / "groundtruth.txt").read_text().splitlines()[frame].split(",")]
    if len(numbers) == 4:
        return ",".join(f"{value:.1f}" for value in numbers)
    xs, ys = numbers[::2], numbers[1::2]
    return f"{min(xs):.1f},{min(ys):.1f},{max(xs) - min(xs):.1f},{max(ys) - min(ys):.1f}"


def ready(page: Page) -> None:
    """Waits for the page's first frame; from then on it tracks without maps, which is faster."""
    page.until("!by('main').hidden && by('frame').naturalWidth && target().box")
    page.value("by('maps').checked = false")


def table(page: Page, folder: Path) -> list[str]:
    """The saved boxes."""
    (folder / "boxes.csv").unlink(missing_ok=True)
    return saved(page, "#boxes", folder / "boxes.csv").decode().splitlines()[1:]


@pytest.mark.parametrize("width", [1400, 390])
def test_a_run_starts_at_any_frame_and_takes_a_new_box(sequence: Path, browser: Chromium, tmp_path: Path, width: int):
    with view(sequence) as (_, address):
        page = browser.open(address, width, 900)
        ready(page)
        # Frames are looked through before anything is tracked.
        first = page.value("by('frame').src")
        page.press("ArrowRight")
        page.press("ArrowRight")
        assert page.value("[at, by('place').textContent].join()") == f"2,3 / {COUNT}"
        page.until(f"by('frame').src !== '{first}' && by('frame').src.includes('frame=2') && by('frame').complete")
        assert page.value("document.querySelectorAll('#drawn rect').length") == 0
        box = truth(sequence, 2)
        page.value(f"(by('box').value = '{box}', by('box').oninput())")
        assert page.value("document.querySelectorAll('#drawn rect.handle').length") == 4
        page.click("#start")
        page.until("news.phase === 'ended'")
        assert page.value("[news.start, frames.length, at].join()") == f"2,{COUNT - 2},{COUNT - 1}"
        rows = table(page, tmp_path)
        # What `attrax track` says about the same frames.
        paths = sorted((sequence / "color").iterdir())[2:]
        flags = ("--box", box, *flags_of_view())
        assert attrax("track", *paths, *flags).stdout.splitlines()[1:] == rows
        assert "overlap 0." in page.value("by('sights').textContent")

        # Another box in a tracked frame: what was before stays, what comes is tracked from there.
        page.value("seek(4)")
        page.until("by('correct').disabled")
        new = truth(sequence, 4)
        page.value(f"(by('box').value = '{new}', by('box').oninput())")
        page.click("#correct")
        page.until("news.run === 2 && news.phase === 'ended'")
        again = table(page, tmp_path)
        assert len(again) == COUNT - 2 and again[:2] == rows[:2]
        flags = ("--box", new, *flags_of_view())
        assert attrax("track", *paths[2:], *flags).stdout.splitlines()[1:] == again[2:]
        # `attrax track` repeats it.
        line = page.until("by('command').textContent.includes('--box-at') && by('command').textContent")
        assert " --start 3 --box=" in line and " --box-at=5=" in line and " --forget " in line
        if width == 1400:
            ran = subprocess.run([ATTRAX, *shlex.split(line)[1:]], capture_output=True, text=True, check=True)
            assert ran.stdout.splitlines()[1:] == again
            # What was learnt before is kept.
            page.value(f"(seek(4), by('keep').click(), by('box').value = '{new}', by('box').oninput())")
            page.click("#correct")
            page.until("news.run === 3 && news.phase === 'ended'")
            kept = table(page, tmp_path)
            line = page.until("!by('command').textContent.includes('--forget') && by('command').textContent")
            ran = subprocess.run([ATTRAX, *shlex.split(line)[1:]], capture_output=True, text=True, check=True)
            assert ran.stdout.splitlines()[1:] == kept and kept[:3] == again[:3] and kept[3:] != again[3:]
        assert page.value("document.documentElement.scrollWidth") <= width
        assert browser.complaints == []


def flags_of_view() -> tuple[str, ...]:
    """The flags that the page of these tests was started with."""
    from test_view import FLAGS

    return FLAGS


def test_corners_move_the_box_and_the_zoom_shows_it(sequence: Path, browser: Chromium):
    with view(sequence) as (_, address):
        page = browser.open(address, 1400, 900)
        ready(page)
        page.value("setBox([100, 60, 80, 60])")
        width, height = page.value("[about.width, about.height]")
        # The corner at the right below.
        page.drag("#stage", [(180 / width, 120 / height), (190 / width, 130 / height), (200 / width, 140 / height)])
        assert page.value("target().box") == pytest.approx([100, 60, 100, 80], abs=1.5)
        # The corner at the left above.
        page.drag("#stage", [(100 / width, 60 / height), (110 / width, 70 / height), (120 / width, 80 / height)])
        assert page.value("target().box") == pytest.approx([120, 80, 80, 60], abs=1.5)
        # The middle moves the box.
        page.drag("#stage", [(160 / width, 110 / height), (165 / width, 105 / height), (170 / width, 100 / height)])
        assert page.value("target().box") == pytest.approx([130, 70, 80, 60], abs=1.5)
        page.click("#in")
        page.click("#in")
        assert page.value("zoom.factor") == pytest.approx(2.25)
        # The middle of the box is the middle of the stage, or as near as the frame's edge allows.
        layer, stage = (page.value(f"by('{name}').getBoundingClientRect().toJSON()") for name in ("layer", "stage"))
        assert layer["width"] == pytest.approx(2.25 * stage["width"], rel=0.01)
        assert layer["left"] <= stage["left"] + 1 and layer["right"] >= stage["right"] - 1
        # What is drawn while zoomed is where the pointer was.
        before = page.value("place({clientX: innerWidth / 4, clientY: 300})")
        assert 0 <= before[0] <= width and 0 <= before[1] <= height
        page.press("-")
        page.press("-")
        assert page.value("[zoom.factor, by('out').disabled].join()") == "1,true"
        assert browser.complaints == []


def test_play_back_and_the_command_line(sequence: Path, browser: Chromium, tmp_path: Path):
    with view(sequence) as (_, address):
        page = browser.open(address, 1400, 900)
        ready(page)
        page.click("#both")
        page.click("#start")
        page.until("news.phase === 'ended'")
        # A line for each tracker, with its name.
        assert page.value("document.querySelectorAll('#chart polyline').length") == 2
        assert page.value("[...by('lines').children].map((each) => each.textContent).join()") == "released,mdnet"
        page.value("seek(1)")
        page.press("p")
        page.until("playing && at > 2")
        page.until(f"!playing && at === {COUNT - 1}")
        # A second tracker without maps has no command; a run of one has, and it gives the same
        # boxes.
        page.until("by('command').textContent.startsWith('There is none')")
        page.click("#both")
        page.value("(target().at = 0, by('start').click())")
        page.until("news.run === 2 && news.phase === 'ended'")
        line = page.until("by('command').textContent.startsWith('attrax track') && by('command').textContent")
        words = shlex.split(line)
        assert words[:3] == ["attrax", "track", str(sequence)]
        ran = subprocess.run([ATTRAX, *words[1:]], capture_output=True, text=True, check=True)
        assert ran.stdout.splitlines()[1:] == table(page, tmp_path)
        assert browser.complaints == []


def test_odd_corrections_are_refused(sequence: Path):
    with view(sequence) as (process, address):
        query = f"{address.partition('?')[2]}&page=one"
        for path in (
            "correct?run=0&frame=0&box=1,2,3,4",
            "correct?run=1&frame=0&box=1,2,3,4",
            "correct?run=18446744073709551615&frame=18446744073709551615&box=1,2,3,4",
        ):
            assert request(address, f"/{path}&{query}", "POST")[0] == 404, path
        for path in ("correct?box=1,2,3", "correct?run=1&frame=99999999999999999999&box=1,2,3,4"):
            assert request(address, f"/{path}&{query}", "POST")[0] == 400, path
        for path in ("browse?frame=8", "browse?frame=18446744073709551615", "command?run=1"):
            assert request(address, f"/{path}&{query}")[0] == 404, path
        start = f"/start?{query}&box=1,2,30,40&preset=fast&from="
        for number in (str(COUNT), "18446744073709551615"):
            answer = request(address, start + number, "POST")
            assert answer == (400, f"the clip has {COUNT} frames")
        assert process.poll() is None


def test_a_video_is_tracked_from_its_middle(sequence: Path, ffmpeg: str, browser: Chromium, tmp_path: Path):
    clip = tmp_path / "clip.mkv"
    make = [ffmpeg, "-loglevel", "error", "-i", sequence / "color" / "%08d.jpg", "-c:v", "ffv1", clip]
    subprocess.run(make, check=True)
    with view(clip) as (process, address):
        page = browser.open(address, 1400, 900)
        page.until("!by('main').hidden && by('frame').naturalWidth")
        for frame in (5, 3):
            page.value(f"seek({frame})")
            shown = f"by('frame').src.endsWith('frame={frame}') && by('frame').complete"
            page.until(f"by('frame').src.includes('browse') && {shown}")
        page.value(f"(by('maps').checked = false, by('box').value = '{truth(sequence, 3)}', by('box').oninput())")
        page.click("#start")
        page.until("news.phase === 'ended'")
        assert page.value("[news.start, frames.length, news.reason].join()") == f"3,{COUNT - 3},"
        assert browser.complaints == []
        # After the last frame there is none, and the next request works.
        query = f"{address.partition('?')[2]}&page={page.value('page')}"
        assert request(address, f"/browse?frame={COUNT}&{query}")[0] == 404
        assert request(address, f"/browse?frame=1&{query}")[0] == 200
        assert process.poll() is None
