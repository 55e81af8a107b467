"""`attrax track --maps`: the pictures of what the tracker sees, and that nothing changes in what it tracks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_track_walk import ATTRAX, BOX, HEADER, QUICK, attrax, frames
from trax_harness import Picture

pytestmark = pytest.mark.skipif(not ATTRAX.is_file(), reason="out/bin/attrax is not built: make build")

FOUND, LOST, TRUTH = (255, 32, 32), (255, 220, 0), (64, 255, 64)


def test_maps_of_two_trackers(tmp_path: Path):
    folder, seen = frames(tmp_path / "frames", 3), tmp_path / "seen"
    (folder / "groundtruth.txt").write_text("10,8,24,18\n" * 3)
    ran = attrax(
        "track", folder, "--preset", "released", "--box", BOX, "--maps", seen, "--also-preset", "mdnet", *QUICK
    )
    assert ran.returncode == 0, ran.stderr
    header, *lines = ran.stdout.splitlines()
    names = [*HEADER.split(","), "attention_inside"]
    assert header.split(",") == names + [f"also_{name}" for name in names]
    # Both are followed as they are alone, without maps.
    for start, preset in ((0, "released"), (8, "mdnet")):
        alone = attrax("track", folder, "--box", BOX, "--preset", preset, *QUICK).stdout.splitlines()[1:]
        assert [",".join(line.split(",")[start : start + 7]) for line in lines] == alone
        assert all(0 < float(line.split(",")[start + 7]) < 1 for line in lines)
    assert lines[-1].split(",")[:4] != lines[-1].split(",")[8:12] or lines[-1].split(",")[4] != lines[-1].split(",")[12]
    pictures = [np.asarray(Picture.open(path)) for path in sorted(seen.iterdir())]
    # Two rows, and the frame of 64 x 48 in a height of 256.
    assert [picture.shape for picture in pictures] == [(2 * (24 + 256 + 8), 2 * (256 + 8 + 72) + 341 + 16, 3)] * 3
    for picture in pictures:
        for row in np.split(picture, 2):
            colours = {tuple(pixel) for pixel in row.reshape(-1, 3)}
            assert TRUTH in colours and (FOUND in colours or LOST in colours)
    # In the first frame the box is where it was given: the left edge of 20 in the third picture.
    column = 8 + 2 * (256 + 8 + 72) + 20 * 341 // 64
    assert (pictures[0][24 + 256 * 25 // 48, column - 1 : column + 2] == FOUND).all(1).any()


def test_maps_of_the_last_frames(tmp_path: Path):
    folder = frames(tmp_path / "frames", 4)
    flags = ["track", folder, "--box", BOX, "--maps", tmp_path / "seen", "--maps-from", "3", *QUICK]
    # The random draws are those of the third initialisation of a process that serves.
    ran = attrax(*flags, env={"ATTRAX_INITIALIZATIONS": "2"})
    assert ran.returncode == 0, ran.stderr
    header, *lines = (line.split(",") for line in ran.stdout.splitlines())
    assert [len(line) for line in lines] == [len(header)] * 4
    assert [bool(line[-1]) for line in lines] == [False, False, True, True]
    assert sorted(path.stem for path in (tmp_path / "seen").iterdir()) == ["3", "4"]
    again = attrax("track", folder, "--box", BOX, *QUICK, env={"ATTRAX_INITIALIZATIONS": "2"})
    other = attrax("track", folder, "--box", BOX, *QUICK)
    assert [line.split(",") for line in again.stdout.splitlines()[1:]] == [line[:-1] for line in lines]
    assert other.stdout != again.stdout
    assert "is not a whole number" in attrax(*flags, env={"ATTRAX_INITIALIZATIONS": "x"}).stderr


def test_another_preset_is_for_maps():
    ran = attrax("track", "frames", "--also-preset", "mdnet", *QUICK)
    assert ran.returncode == 2 and "--maps <DIR>" in ran.stderr
