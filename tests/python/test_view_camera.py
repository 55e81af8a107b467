"""Cameras and streams in `attrax view`: the live picture, the frozen one, a run on the newest frames, and its end."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import attack_files
import pytest
from axe import serious
from chromium import PATIENCE, Chromium
from live_sources import live
from test_track_walk import ATTRAX
from test_view import request, saved, view, wait

pytestmark = pytest.mark.skipif(not ATTRAX.is_file(), reason="out/bin/attrax is not built: make build")


def test_a_camera_is_frozen_followed_and_stopped(ffmpeg: str, chromium: str, tmp_path: Path):
    camera = tmp_path / "camera"
    attack_files.camera(camera)
    pipes = {"stderr": subprocess.PIPE, "cwd": tmp_path}
    with (
        view("camera:7", pipes=pipes, ATTRAX_FFMPEG=str(camera)) as (process, address),
        Chromium(chromium, tmp_path / "profile") as browser,
    ):
        page = browser.open(address, 390, 844, dark=True)
        # Pictures come by themselves; nothing can be started.
        page.until("mode === 'live' && shownTick > 3")
        assert page.value("by('start').disabled && by('film').hidden && by('halt').disabled")
        assert serious(page) == []
        page.value("by('maps').checked = false")
        # A finger on the live picture freezes it, and draws.
        page.swipe("#stage", (20 / 64, 16 / 48), (44 / 64, 34 / 48))
        page.until("mode === 'frozen' && by('frame').src.includes('frozen') && by('frame').complete && target().box")
        assert page.value("target().box") == pytest.approx([20, 16, 24, 18], abs=1)
        # Back to the live picture, and frozen again by the key.
        page.press("f")
        page.until("mode === 'live' && shownTick > 8")
        page.press("f")
        page.until("mode === 'frozen' && news.frozen > 3")
        page.value("setBox([20, 16, 24, 18])")
        page.press("s")
        page.until("news.run === 1 && frames.length > 4")
        assert page.value("[at === newest(), by('freeze').disabled, news.skipped > 0].join()") == "true,true,true"
        page.press("x")
        page.until("news.phase === 'ended'")
        count = page.value("frames.length")
        assert f"{count} frames tracked, " in page.value("by('state').textContent")
        assert "left out because newer ones had come" in page.value("by('state').textContent")
        assert page.value("document.documentElement.scrollWidth") == 390
        assert serious(page) == []
        # What was tracked is there: boxes, a video that plays as long as it took, a sequence.
        rows = saved(page, "#boxes", tmp_path / "boxes.csv").decode().splitlines()
        assert len(rows) == count + 1 and rows[1].startswith("20.000,16.000,24.000,18.000,")
        (tmp_path / "seen.mp4").write_bytes(saved(page, "#video", tmp_path / "seen.mp4"))
        check = [ffmpeg, "-v", "error", "-i", tmp_path / "seen.mp4", "-f", "null", "-"]
        assert subprocess.run(check, capture_output=True, check=True).stderr == b""
        page.until("by('command').textContent.startsWith('There is none: the frames of a camera')")

        # A correction goes on through the recorded frames, then with the newest ones.
        page.value("(seek(2), setBox([22, 18, 24, 18]))")
        page.press("c")
        page.until(f"news.run === 2 && frames.length > {count + 1}")
        assert page.value("frames[2].seen[0].box") == [22, 18, 24, 18]
        # Ctrl-C ends the camera; the page stays to save the run. The second one ends the program.
        process.send_signal(signal.SIGINT)
        page.until("news.phase === 'ended' && news.over === ''")
        (tmp_path / "boxes.csv").unlink()
        assert saved(page, "#boxes", tmp_path / "boxes.csv").decode().count("\n") > count
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == -signal.SIGINT
        said = process.stderr.read()
        assert "attrax: the camera is closed, the page stays to save the run" in said
        assert f"{count} frames, " in said and "1 corrected" in said and "newer ones had come" in said
        assert browser.complaints == []


def news(address: str, query: str) -> dict:
    """What the page gets."""
    return json.loads(request(address, f"/news?{query}")[1])


@pytest.mark.parametrize("kind", ["rtsp", "http", "-"])
def test_streams_are_followed(kind: str, ffmpeg: str, tmp_path: Path):
    """Without a browser: the picture, the frozen one, a run, its end."""
    if kind == "-":
        clip = tmp_path / "clip.mkv"
        source = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=25:duration=2", "-c:v", "ffv1"]
        subprocess.run([ffmpeg, "-loglevel", "error", *source, clip], check=True)
        with clip.open("rb") as stream, view("-", pipes={"stdin": stream}) as (_, address):
            follow(address, ends=True)
    else:
        with live(kind, ffmpeg) as source, view(source) as (_, address):
            follow(address, ends=False)


def follow(address: str, *, ends: bool) -> None:
    """Freezes a picture, follows a target, and stops unless the source ends."""
    query = f"{address.partition('?')[2]}&page=one"
    about = json.loads(request(address, f"/about?{query}")[1])
    assert (about["live"], about["count"], about["width"]) == (True, None, 64)
    start = f"/start?{query}&preset=mdnet&box=20,16,24,18"
    assert request(address, start, "POST") == (400, "freeze a picture first: the boxes are of that picture")
    for tick in (1, 2):
        assert request(address, f"/live?{query}&tick={tick}")[1].startswith("\ufffd\ufffd")
    assert request(address, f"/freeze?{query}&tick=1", "POST")[0] == 200
    frozen = news(address, query)["frozen"]
    assert request(address, f"/frozen?{query}&picture={frozen}")[0] == 200
    assert request(address, f"/frozen?{query}&picture={frozen + 1}")[0] == 404
    assert request(address, f"{start}&from=1", "POST")[0] == 400
    assert request(address, start, "POST")[0] == 200
    if ends:
        wait(lambda: news(address, query)["phase"] == "ended", "the run does not end")
    else:
        wait(lambda: len(news(address, query)["frames"]) > 3, "nothing is tracked")
        assert request(address, f"/stop?{query}", "POST")[0] == 200
        wait(lambda: news(address, query)["phase"] == "ended", "the run does not stop")
    last = news(address, query)
    assert last["reason"] == "" and last["over"] == ("" if ends else None) and len(last["frames"]) > 1
    if ends:
        assert request(address, start, "POST") == (400, "the camera has ended")
