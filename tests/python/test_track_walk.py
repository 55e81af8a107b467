"""Walks through `attrax` as a new user does, typical mistakes included: what it says, and its exit code."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import trax_harness as harness
from trax_harness import Picture, Rectangle, Server, TraxException, save, texture

ATTRAX = harness.ROOT / "out" / "bin" / "attrax"
QUICK = ("--config", str(harness.ROOT / "tests" / "data" / "quick.toml"), "--threads", "1")
# The quickest preset, for tests of everything but tracking.
SWIFT = (*QUICK, "--preset", "mdnet")
BOX = "20,16,24,18"
HEADER = "x,y,width,height,confidence,found,probability"

pytestmark = pytest.mark.skipif(not ATTRAX.is_file(), reason="out/bin/attrax is not built: make build")


def attrax(*arguments: object, **options: object) -> subprocess.CompletedProcess:
    """Runs the program to its end."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TRAX_")}
    environment |= options.pop("env", {})
    command = [str(ATTRAX), *map(str, arguments)]
    options = {"capture_output": True, "text": True, "timeout": 120, "stdin": subprocess.DEVNULL} | options
    return subprocess.run(command, env=environment, **options)


def frames(folder: Path, count: int = 11, suffix: str = ".jpg") -> Path:
    """Frames 1.jpg, 2.jpg and so on, each brighter than the one before, and files that are no frames."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        save(folder / f"{number}{suffix}", (texture() // 2 + 8 * (number % 16)).astype(np.uint8))
    (folder / "notes.txt").write_text("not a frame\n")
    (folder / "._1.jpg").write_bytes(b"what another system writes")
    return folder


def rows(text: str) -> list[list[float]]:
    """The numbers of a table."""
    header, *lines = text.splitlines()
    assert header == HEADER
    return [[float(value) for value in line.split(",")] for line in lines]


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new user's folder."""
    folder = tmp_path_factory.mktemp("user")
    frames(folder / "frames", 3)
    frames(folder / "cut", 3)
    short = folder / "cut" / "2.jpg"
    picture = Picture.fromarray(np.random.default_rng(1).integers(0, 256, (120, 160, 3), dtype=np.uint8))
    picture.save(short, quality=95)
    short.write_bytes(short.read_bytes()[:3000])
    shutil.copy(short, folder / "first.jpg")
    (folder / "empty").mkdir()
    frames(folder / "otb" / "img", 3)
    # Pixels are counted from 1 there.
    (folder / "otb" / "groundtruth_rect.txt").write_text("21\t17\t24\t18\n" * 3)
    frames(folder / "short", 3)
    (folder / "short" / "groundtruth.txt").write_text("20,16,24,18\n" * 2)
    frames(folder / "bad", 3)
    (folder / "bad" / "groundtruth.txt").write_text("20,16,24,18\n20,16,x,18\n20,16,24,18\n")
    frames(folder / "absent", 3)
    (folder / "absent" / "groundtruth.txt").write_text("nan,nan,nan,nan\n20,16,24,18\n20,16,24,18\n")
    (folder / "words.jpg").write_text("these are words\n")
    return folder


# Arguments, what is said on standard error, exit code.
WALK = {
    "negative lambda": (
        ["track", "frames", "--lambda", "-1"],
        "'-1' for '--lambda <NUMBER>': a number of at least 0",
        2,
    ),
    "lambda in words": (["track", "frames", "--lambda", "five"], "a number of at least 0 is needed, such as 5", 2),
    "box with spaces": (["track", "frames", "--box", "1 2 3 4"], "four numbers with commas between them are needed", 2),
    "box of three": (["track", "frames", "--box", "1,2,3"], "such as 198,214,34,81", 2),
    "box of five": (["track", "frames", "--box", "1,2,3,4,5"], "four numbers with commas between them are needed", 2),
    "empty box": (["track", "frames", "--box", "1,2,0,4"], "width and height must be above 0", 2),
    "box outside": (["track", "frames", "--box", "900,900,5,5"], "it lies outside the frame", 1),
    "no box": (
        ["track", "frames"],
        "Say it with --box X,Y,WIDTH,HEIGHT, name its ground truth with --truth",
        1,
    ),
    "no frames": (["track"], "<FRAMES>", 2),
    "no such folder": (["track", "nowhere"], "nowhere: no such file or folder", 1),
    "empty folder": (
        ["track", "empty", "--box", BOX],
        "empty: no JPEG, PNG, BMP or TIFF files; give a folder of frames",
        1,
    ),
    "pattern": (["track", "frames/*.gif", "--box", BOX], "as a pattern it matches no image", 1),
    "no image": (["track", "words.jpg", "--box", BOX], "words.jpg: not an image of a known format", 1),
    "cut first frame": (["track", "first.jpg", "--box", BOX], "first.jpg: the JPEG is cut short", 1),
    "cut frame": (["track", "cut", "--box", BOX], "cut/2.jpg: the JPEG is cut short", 1),
    "truth too short": (["track", "short"], "groundtruth.txt: 2 lines for 3 images", 1),
    "bad truth": (["track", "bad"], 'groundtruth.txt, line 2: "20,16,x,18": "x" is not a number', 1),
    "no target in the first frame": (["track", "absent"], "no region for frame 1; give one with --box", 1),
    "video that is not there": (["track", "clip.mp4", "--box", BOX], "clip.mp4: No such file", 1),
    "video among frames": (["track", "frames", "clip.mp4"], "clip.mp4: a video is tracked by itself", 1),
    "out is a folder": (["track", "frames", "--box", BOX, "--out", "empty"], "empty: is a folder; name a file", 1),
    "out in no folder": (
        ["track", "frames", "--box", BOX, "--out", "no/b.csv"],
        "cannot write no/b.csv.part: No such",
        1,
    ),
    "overlay is a file": (
        ["track", "frames", "--box", BOX, "--overlay", "words.jpg"],
        "cannot make the folder words.jpg",
        1,
    ),
    "unknown parameter": (["track", "frames", "--box", BOX, "--set", "lambda=3"], "did you mean attention.lambda?", 1),
    "parameter without value": (["track", "frames", "--set", "seed"], "KEY=VALUE is needed", 2),
    "no configuration": (
        ["track", "frames", "--box", BOX, "--config", "no.toml"],
        "cannot read no.toml: No such file",
        1,
    ),
    "no weights": (["track", "frames", "--box", BOX, "--weights", "no.st"], "no.st", 1),
    "no device": (
        ["track", "frames", "--box", BOX, "--device", "gpu"],
        "device gpu is not available: known are auto, cpu",
        1,
    ),
    "unknown preset": (
        ["track", "frames", "--preset", "best"],
        "[possible values: attrax, fast, released, paper, mdnet]",
        2,
    ),
    "unknown command": (["follow", "frames"], "unrecognized subcommand 'follow'", 2),
}


@pytest.mark.parametrize("mistake", WALK)
def test_mistake(mistake: str, user: Path):
    arguments, sentence, code = WALK[mistake]
    quick = () if arguments[0] != "track" or "--config" in arguments else QUICK if "--preset" in arguments else SWIFT
    ran = attrax(*arguments, *quick, cwd=user)
    assert sentence in ran.stderr
    assert ran.returncode == code, ran.stderr
    assert "panicked" not in ran.stderr
    if code == 1:
        # Once, in one sentence.
        assert ran.stderr.count("\n") == 1 and ran.stderr.startswith("attrax: "), ran.stderr
        parts = ran.stderr.strip().split(": ")
        assert len(parts) == len(set(parts)), ran.stderr


def test_frames_in_natural_order(tmp_path):
    folder = frames(tmp_path / "frames", suffix=".png")
    for number, given in enumerate([[folder], [folder / "*"], sorted(folder.glob("[0-9]*"))]):
        seen = tmp_path / str(number)
        ran = attrax("track", *given, "--box", BOX, "--overlay", seen, *SWIFT)
        assert len(rows(ran.stdout)) == 11, ran.stderr
        for place in range(1, 12):
            corner = [np.asarray(Picture.open(path / f"{place}.png"))[-1, -1] for path in (seen, folder)]
            assert (corner[0] == corner[1]).all(), place
    backwards = sorted(folder.glob("[0-9]*"), reverse=True)
    one = ("--frames", "1", "--overlay", tmp_path / "back")
    attrax("track", *backwards, "--box", BOX, *one, *SWIFT)
    assert [path.name for path in (tmp_path / "back").iterdir()] == [backwards[0].name]


def test_a_failure_keeps_the_older_boxes_and_those_so_far(user, tmp_path):
    out = tmp_path / "boxes.csv"
    out.write_text("of an earlier run\n")
    ran = attrax("track", user / "cut", "--box", BOX, "--out", out, *SWIFT)
    assert ran.returncode == 1
    assert f"the JPEG is cut short; the boxes of the 1 frames before are in {out}.part\n" in ran.stderr
    assert out.read_text() == "of an earlier run\n"
    assert len(rows(Path(f"{out}.part").read_text())) == 1
    # What fails before the first box leaves no file.
    Path(f"{out}.part").unlink()
    attrax("track", user / "first.jpg", "--box", BOX, "--out", out, *SWIFT)
    assert not Path(f"{out}.part").exists() and out.read_text() == "of an earlier run\n"
    ran = attrax("track", user / "frames", "--box", BOX, "--out", out, *SWIFT)
    assert (ran.returncode, ran.stdout) == (0, "")
    assert len(rows(out.read_text())) == 3 and not Path(f"{out}.part").exists()
    assert ran.stderr.startswith("3 frames, ")


def test_an_interrupt_keeps_every_box(tmp_path):
    folder = frames(tmp_path / "frames", 400)
    part = tmp_path / "boxes.csv.part"
    command = [ATTRAX, "track", folder, "--box", BOX, "--out", tmp_path / "boxes.csv", *SWIFT]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not (part.is_file() and part.read_text().count("\n") > 3):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        seen = part.read_text()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) != 0
    assert not (tmp_path / "boxes.csv").exists()
    kept = part.read_text()
    assert kept.startswith(seen) and kept.endswith("\n") and len(rows(kept)) >= 3


def test_the_first_box_comes_from_the_ground_truth(user, tmp_path):
    expected = attrax("track", user / "otb" / "img", "--box", BOX, *SWIFT)
    for sequence in (user / "otb", user / "otb" / "img"):
        ran = attrax("track", sequence, *SWIFT)
        assert ran.returncode == 0 and ran.stdout == expected.stdout, ran.stderr
        assert "; mean overlap " in ran.stderr and " in the 2 frames with ground truth\n" in ran.stderr
    # GOT-10k's layout, and VOT's with a polygon of the same box.
    for folder, name, line in (
        ("got", "groundtruth.txt", "20.0000,16.0000,24.0000,18.0000\n"),
        ("vot/color", "../groundtruth.txt", "20,16,44,16,44,34,20,34\n"),
    ):
        frames(tmp_path / folder, 3)
        (tmp_path / folder / name).write_text(line * 3)
        ran = attrax("track", tmp_path / folder.split("/")[0], *SWIFT)
        assert ran.stdout == expected.stdout, ran.stderr
    # --box wins, also over ground truth that nothing can be made of.
    own = attrax("track", user / "otb", "--box", "10,10,20,20", *SWIFT)
    assert rows(own.stdout)[0][:4] == [10, 10, 20, 20]
    warned = attrax("track", user / "bad", "--box", BOX, *SWIFT)
    assert warned.returncode == 0 and "ground truth is left alone" in warned.stderr


def test_overlap_with_the_ground_truth(tmp_path):
    """The measures are those of the boxes that were written, in the frames that have ground truth."""
    folder = frames(tmp_path / "frames", 6)
    truth = [(20, 16, 24, 18), (22, 16, 24, 18), None, (20, 18, 24, 18), (40, 30, 24, 18), (20, 16, 20, 20)]
    lines = [",".join(map(str, box)) if box else "nan,nan,nan,nan" for box in truth]
    (folder / "groundtruth.txt").write_text("\n".join(lines) + "\n")
    ran = attrax("track", folder, *SWIFT)
    overlaps = [overlap(row[:4], box) for row, box in zip(rows(ran.stdout)[1:], truth[1:], strict=True) if box]
    success = np.mean(np.array(overlaps) > 0.5)
    expected = f"mean overlap {np.mean(overlaps):.3f}, success at 0.5 {success:.3f} in the 4 frames with ground truth"
    assert expected in ran.stderr
    # A part of the frames keeps its own lines.
    ran = attrax("track", folder / "2.jpg", folder / "4.jpg", *SWIFT)
    assert rows(ran.stdout)[0][:4] == [22, 16, 24, 18]
    assert "in the 1 frames with ground truth" in ran.stderr


def overlap(first: list[float], second: tuple[int, ...]) -> float:
    """Intersection over union, inside a frame of 64 x 48."""
    (ax, ay, aw, ah), (bx, by, bw, bh) = ([max(0, b[0]), max(0, b[1]), b[2], b[3]] for b in (first, second))
    ar, ab, br, bb = (min(64, ax + aw), min(48, ay + ah), min(64, bx + bw), min(48, by + bh))
    both = max(0, min(ar, br) - max(ax, bx)) * max(0, min(ab, bb) - max(ay, by))
    return both / ((ar - ax) * (ab - ay) + (br - bx) * (bb - by) - both)


def test_columns(user):
    table = rows(attrax("track", user / "frames", "--box", BOX, *QUICK).stdout)
    assert table[0][4:] == [1, 1, 1]
    for *_, confidence, found, probability in table[1:]:
        assert found == (confidence > 0) and 0 <= probability <= 1


def test_a_bare_attrax_serves_as_attrax_serve_does(tmp_path, user):
    """The tracker's introduction and its answers are the same with the command and without it."""
    image = save(tmp_path / "frame.png", texture())
    reported = []
    for command in (f"{ATTRAX}", f"{ATTRAX} serve"):
        with Server(command).connect() as server:
            about = (server.client.tracker_name, server.client.tracker_description, server.client.image_formats)
            parameters = {"candidates": "16", "mined_from": "4", "batch_negatives": "4", "regression_samples": "16"}
            parameters |= {"initial_samples.positives": "8", "initial_samples.negatives": "16"}
            parameters |= {"initial_training.iterations": "2", "batch_positives": "4"}
            server.client.initialize({"color": image}, [(Rectangle.create(20, 16, 24, 18), {})], parameters)
            region, properties = server.frame(image)[0]
            reported.append((*map(str, about), region.bounds(), properties["confidence"]))
            server.client.quit()
            assert server.end()[0] == 0
    assert reported[0] == reported[1]


def test_a_cut_jpeg_is_refused_by_the_server_too(user):
    with Server(f"{ATTRAX} serve {' '.join(QUICK)}").connect() as server:
        image = harness.FileImage.create(str(user / "first.jpg"))
        with pytest.raises(TraxException, match=r"Server terminated the session: .*first.jpg: the JPEG is cut short"):
            server.initialize(image, Rectangle.create(20, 16, 24, 18))
        code, _, errors = server.end()
    assert code == 1 and errors.count("first.jpg") == 1, errors
