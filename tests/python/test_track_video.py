"""`attrax track` on real videos that ffmpeg makes of the demo's frames, and the videos that it writes.

Where there is no ffmpeg, the tests install it with apt-get if they may, and say so if they may not.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from test_track_walk import ATTRAX, SWIFT, attrax, rows
from trax_harness import Picture

pytestmark = pytest.mark.skipif(not ATTRAX.is_file(), reason="out/bin/attrax is not built: make build")

BOX = "60,60,60,60"
CODECS = {
    "h264.mp4": ["-c:v", "libx264", "-movflags", "+faststart"],
    "vp9.webm": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"],
    "ffv1.mkv": ["-c:v", "ffv1"],
    "mpeg4.avi": ["-c:v", "mpeg4"],
    "raw.y4m": ["-pix_fmt", "yuv420p"],
}


@pytest.fixture(scope="session")
def clips(ffmpeg: str, demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Videos of one of the demo's sequences, at 12.5 frames a second, and a turned one."""
    folder = tmp_path_factory.mktemp("clips")
    frames = min(path for path in demo.iterdir() if path.is_dir()) / "color" / "%08d.jpg"
    for name, options in CODECS.items():
        make = [ffmpeg, "-loglevel", "error", "-framerate", "12.5", "-i", frames, "-frames:v", "12", *options]
        subprocess.run([*make, folder / name], check=True)
    turn = ["-display_rotation:v:0", "90"] if newer(ffmpeg) else []
    metadata = [] if turn else ["-metadata:s:v:0", "rotate=90"]
    command = [ffmpeg, "-loglevel", "error", *turn, "-i", folder / "h264.mp4", "-c", "copy", *metadata]
    subprocess.run([*command, folder / "turned.mp4"], check=True)
    return folder


def newer(ffmpeg: str) -> bool:
    """Whether this ffmpeg takes a rotation as an option rather than as metadata."""
    return "-display_rotation" in subprocess.run([ffmpeg, "-h", "full"], capture_output=True, text=True).stdout


def pictures(ffmpeg: str, video: Path, folder: Path) -> list[np.ndarray]:
    """The frames that ffmpeg itself makes of a video."""
    folder.mkdir()
    decode = [ffmpeg, "-loglevel", "error", "-i", video, "-fps_mode", "passthrough", folder / "%08d.png"]
    subprocess.run(decode, check=True)
    return [np.asarray(Picture.open(path)) for path in sorted(folder.iterdir())]


@pytest.mark.parametrize("name", [*CODECS, "turned.mp4"])
def test_video_is_tracked_as_its_frames_are(name: str, clips: Path, ffmpeg: str, tmp_path: Path):
    decoded = pictures(ffmpeg, clips / name, tmp_path / "frames")
    height, width = decoded[0].shape[:2]
    assert len(decoded) == 12 and (name != "turned.mp4" or height > width)
    # At the same time: each has one thread.
    with ThreadPoolExecutor() as pool:
        given = (clips / name, tmp_path / "frames")
        ran, of_frames = pool.map(lambda source: attrax("track", source, "--box", BOX, *SWIFT), given)
    assert ran.returncode == 0, ran.stderr
    assert len(rows(ran.stdout)) == 12
    assert ran.stdout == of_frames.stdout


def test_video_is_written(clips: Path, ffmpeg: str, tmp_path: Path):
    video, overlay = tmp_path / "seen.mp4", tmp_path / "seen"
    ran = attrax("track", clips / "h264.mp4", "--box", BOX, "--video", video, "--overlay", overlay, *SWIFT)
    assert ran.returncode == 0, ran.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seen", "seen.mp4"]
    drawn = [np.asarray(Picture.open(path)).astype(int) for path in sorted(overlay.iterdir())]
    for written, frame in zip(pictures(ffmpeg, video, tmp_path / "again"), drawn, strict=True):
        assert np.abs(written - frame).mean() < 8
    about = subprocess.run([ffmpeg, "-i", video], capture_output=True, text=True).stderr
    assert "12.50 fps" in about and "yuv420p" in about
    # Frames do not say how many there are in a second; odd sides are padded.
    ran = attrax("track", tmp_path / "again", "--box", BOX, "--video", tmp_path / "of-frames.webm", *SWIFT)
    assert ran.returncode == 0, ran.stderr
    about = subprocess.run([ffmpeg, "-i", tmp_path / "of-frames.webm"], capture_output=True, text=True).stderr
    assert "25 fps" in about


# The frames of a y4m file follow each other without a length: a truncated file is a shorter one.
@pytest.mark.parametrize("name", [name for name in CODECS if name != "raw.y4m"])
def test_truncated_video(name: str, clips: Path, tmp_path: Path):
    whole = (clips / name).read_bytes()
    short = tmp_path / name
    short.write_bytes(whole[: len(whole) * 2 // 3 + 1])
    out = tmp_path / "boxes.csv"
    ran = attrax("track", short, "--box", BOX, "--out", out, *SWIFT)
    one_error(ran, f"{short}: after ")
    assert "it is damaged or cut short (" in ran.stderr
    kept = rows(Path(f"{out}.part").read_text())
    assert 0 < len(kept) < 12 and f"the boxes of the {len(kept)} frames before are in {out}.part" in ran.stderr


def test_what_is_no_video(tmp_path: Path, ffmpeg: str):
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "empty.mkv").write_bytes(b"")
    for name in ("noise.mp4", "empty.mkv"):
        one_error(
            attrax("track", tmp_path / name, "--box", BOX, *SWIFT), f"{name}: after 0 frames: ffmpeg cannot read it ("
        )
    playlist = tmp_path / "playlist.mkv"
    playlist.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/1.ts\n")
    one_error(attrax("track", playlist, "--box", BOX, *SWIFT), "playlist.mkv: after 0 frames: ")


def test_no_ffmpeg(clips: Path):
    clip = clips / "h264.mp4"
    for environment in ({"ATTRAX_FFMPEG": "/nowhere/ffmpeg"}, {"PATH": "/nowhere"}):
        ran = attrax("track", clip, "--box", BOX, *SWIFT, env=environment)
        one_error(ran, "h264.mp4: videos need the program ffmpeg, and ")
        assert "apt install ffmpeg" in ran.stderr and "ATTRAX_FFMPEG" in ran.stderr


def test_no_box_and_a_name_that_is_no_video(clips: Path):
    one_error(attrax("track", clips / "h264.mp4", *SWIFT), "Say it with --box")
    ran = attrax("track", clips / "h264.mp4", "--box", BOX, "--video", "seen.txt", *SWIFT)
    one_error(ran, "seen.txt: the name of a video should end in .mp4")


def test_killed_ffmpeg(clips: Path, ffmpeg: str, tmp_path: Path):
    """A camera's stand-in that never ends, until it is killed."""
    pid, out = tmp_path / "pid", tmp_path / "boxes.csv"
    endless = tmp_path / "ffmpeg"
    endless.write_text(f'#!/bin/sh\necho $$ > {pid}\nexec {ffmpeg} -stream_loop -1 "$@"\n')
    endless.chmod(0o755)
    command = [ATTRAX, "track", clips / "mpeg4.avi", "--box", BOX, "--out", out, *SWIFT]
    environment = os.environ | {"ATTRAX_FFMPEG": str(endless)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        part, deadline = Path(f"{out}.part"), time.monotonic() + 60
        while not (part.is_file() and part.read_text().count("\n") > 3):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(int(pid.read_text()), 9)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "mpeg4.avi: after " in errors and ": ffmpeg was ended by signal 9; the boxes of the " in errors
    assert len(rows(part.read_text())) >= 3


def test_no_ffmpeg_stays_behind(clips: Path, ffmpeg: str, tmp_path: Path):
    """Where tracking fails, and where attrax is killed."""
    pid = tmp_path / "pid"
    endless = tmp_path / "ffmpeg"
    endless.write_text(f'#!/bin/sh\necho $$ > {pid}\nexec {ffmpeg} -stream_loop -1 "$@"\n')
    endless.chmod(0o755)
    environment = {"ATTRAX_FFMPEG": str(endless)}
    one_error(attrax("track", clips / "mpeg4.avi", "--box", "9000,0,5,5", *SWIFT, env=environment), "outside the frame")
    gone(int(pid.read_text()))
    command = [ATTRAX, "track", clips / "mpeg4.avi", "--box", BOX, *SWIFT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | environment) as process:
        for _ in range(3):
            process.stdout.readline()
        process.kill()
    gone(int(pid.read_text()))


def gone(pid: int) -> None:
    """The process ends within seconds."""
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[:1]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def one_error(ran: subprocess.CompletedProcess, sentence: str) -> None:
    """The program ended with an error, reported once."""
    assert ran.returncode == 1 and sentence in ran.stderr, ran.stderr
    assert ran.stderr.count("attrax: ") == 1 and ran.stderr.count("\n") == 1, ran.stderr


def test_addresses_are_read(clips: Path, ffmpeg: str):
    """A video on a web server is tracked whole; of a stream that goes on, the newest frames."""
    served = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=clips))
    threading.Thread(target=served.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{served.server_address[1]}/h264.mp4"
        assert (
            attrax("track", address, "--box", BOX, *SWIFT).stdout
            == attrax("track", clips / "h264.mp4", "--box", BOX, *SWIFT).stdout
        )
    finally:
        served.shutdown()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        stream = f"udp://127.0.0.1:{free.getsockname()[1]}"
    source = [
        "-re",
        "-f",
        "lavfi",
        "-i",
        "testsrc=size=128x96:rate=25",
        "-c:v",
        "mpeg2video",
        "-g",
        "5",
        "-f",
        "mpegts",
    ]
    with subprocess.Popen([ffmpeg, "-nostdin", "-loglevel", "quiet", *source, stream]) as sender:
        ran = attrax("track", stream, "--box", "20,20,30,30", "--frames", "4", *SWIFT)
        sender.kill()
    assert len(rows(ran.stdout)) == 4, ran.stderr


class Quiet(SimpleHTTPRequestHandler):
    """A web server that logs nothing."""

    def log_message(self, *_: object) -> None:
        """Nothing."""
