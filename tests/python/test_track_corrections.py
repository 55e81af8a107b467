"""`attrax track` from any frame on, with boxes given in later frames, and for several targets."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import shorten
from test_track_walk import ATTRAX, SWIFT, attrax
from trax_harness import Picture

pytestmark = pytest.mark.skipif(not ATTRAX.is_file(), reason="out/bin/attrax is not built: make build")

FRAMES = 6
FIRST, LATER, OTHER = "60,60,60,60", "90,70,50,40", "150,90,40,40"


@pytest.fixture(scope="module")
def sequence(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first frames of a sequence of the demo, with their ground truth."""
    return shorten(demo, tmp_path_factory.mktemp("track") / "short", {"turning": FRAMES}) / "turning"


def several(*runs: tuple) -> list[subprocess.CompletedProcess]:
    """Runs `attrax track` several times, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda arguments: attrax("track", *arguments, *SWIFT), runs))
    for ran in done:
        assert ran.returncode == 0, ran.stderr
    return done


def lines(ran: subprocess.CompletedProcess) -> list[str]:
    """The rows of the table."""
    return ran.stdout.splitlines()[1:]


def given(box: str) -> str:
    """The row of a frame whose box was given."""
    return ",".join(f"{float(value):.3f}" for value in box.split(",")) + ",1.0000,1,1.0000"


def test_boxes_of_later_frames(sequence: Path):
    frames = sequence / "color"
    at = ("--box-at", f"4={LATER}")
    plain, corrected, anew, later, part = several(
        (frames, "--box", FIRST),
        (frames, "--box", FIRST, *at),
        (frames, "--box", FIRST, *at, "--forget"),
        (frames, "--start", "4", "--box", LATER),
        (frames, "--start", "3", "--frames", "2", "--box", FIRST),
    )
    assert len(lines(plain)) == FRAMES
    for ran in (corrected, anew):
        # Nothing changes before the box, which is taken as it is; the rest follows from it.
        assert lines(ran)[:3] == lines(plain)[:3] and lines(ran)[3] == given(LATER)
        assert len(lines(ran)) == FRAMES and lines(ran)[4:] != lines(plain)[4:]
        assert "1 corrected" in ran.stderr
    # What is forgotten has no part in it; what is not, has.
    assert lines(anew)[3:] == lines(later)
    assert lines(corrected)[4:] != lines(anew)[4:]
    assert lines(part) == [given(FIRST), lines(part)[1]]


def test_ground_truth_of_a_later_frame(sequence: Path):
    # The frame of the second box counts neither as found nor as lost.
    (later,) = several((sequence, "--start", "3", "--box-at", f"5={LATER}"))
    assert len(lines(later)) == FRAMES - 2 and lines(later)[0].endswith(",1.0000,1,1.0000")
    assert f"in the {FRAMES - 4} frames with ground truth" in later.stderr


def test_targets_begin_and_end_in_later_frames(sequence: Path, tmp_path: Path):
    frames, mot = sequence / "color", tmp_path / "mot.txt"
    both, first, second = several(
        (frames, "--box", FIRST, "--box-at", f"3:2={OTHER}", "--end-at", "5", "--export", f"mot={mot}"),
        (frames, "--box", FIRST),
        (frames, "--start", "3", "--box", OTHER),
    )
    absent = ",".join([""] * 7)
    alone = [*lines(first)[:4], absent, absent], [absent, absent, *lines(second)]
    assert lines(both) == [",".join(pair) for pair in zip(*alone, strict=True)]
    # A first box is no correction, and a target that is not followed is not lost.
    assert "corrected" not in both.stderr
    assert not {(5, 1), (6, 1), (1, 2), (2, 2)} & {
        tuple(map(int, line.split(",")[:2])) for line in mot.read_text().splitlines()
    }


def test_several_targets_are_tracked_as_each_alone(sequence: Path, tmp_path: Path):
    frames, seen = sequence / "color", tmp_path / "seen"
    at = f"5={LATER}"
    both, first, second = several(
        (frames, "--box", FIRST, "--box", OTHER, "--box-at", f"5:2={LATER}", "--overlay", seen),
        (frames, "--box", FIRST),
        (frames, "--box", OTHER, "--box-at", at),
    )
    assert both.stdout.splitlines()[0].count("target2_") == 7
    assert lines(both) == [",".join(pair) for pair in zip(lines(first), lines(second), strict=True)]
    assert "targets lost in" in both.stderr
    # Pictures are called as the frames, and have the boxes in different colours, with number and
    # score.
    assert [path.stem for path in sorted(seen.iterdir())] == [path.stem for path in sorted(frames.iterdir())]
    picture = np.asarray(Picture.open(seen / "00000001.png")).astype(int)
    assert (picture[61, 60] == (255, 32, 32)).all() and (picture[91, 150] == (64, 200, 255)).all()
    assert (picture[-13:, :16] == (255, 255, 255)).all(axis=2).any()
