"""The demo dataset: deterministic, exact, and what the toolkit expects."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from vot.dataset import load_dataset

from attrax_vot.demo import render_dataset
from attrax_vot.demo.scene import HEIGHT, WIDTH, Layer, Pose, Scene
from attrax_vot.demo.sequences import all_scenes
from attrax_vot.run import toolkit  # noqa: F401 - before the toolkit itself


def digest(directory: Path) -> dict[str, str]:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_bytes_each_time(demo: Path, tmp_path: Path):
    render_dataset(tmp_path)
    assert digest(tmp_path) == digest(demo)


def test_rendering_again_leaves_files_alone(demo: Path):
    before = {path: path.stat().st_mtime_ns for path in demo.rglob("*")}
    render_dataset(demo)
    assert {path: path.stat().st_mtime_ns for path in demo.rglob("*")} == before


def test_the_toolkit_reads_it(demo: Path):
    dataset = load_dataset(str(demo))
    assert [sequence.name for sequence in dataset] == [scene.name for scene in all_scenes()]
    for sequence in dataset:
        assert sequence.size == (WIDTH, HEIGHT)
        assert all(sequence.frame(index).image().shape == (HEIGHT, WIDTH, 3) for index in range(len(sequence)))
        assert len(sequence.groundtruth()) == len(sequence)


def test_every_challenge_is_in_it():
    scenes = {scene.name: scene for scene in all_scenes()}
    hidden = [scenes["passing"].hidden(frame) for frame in range(scenes["passing"].frames)]
    assert max(hidden) > 0.99
    assert any(0.2 < share < 0.6 for share in hidden[:15])
    assert hidden[-1] < 0.1
    lights = [sum(scenes["turning"].light(scenes["turning"].time(frame))) for frame in range(scenes["turning"].frames)]
    assert min(lights) < 0.5 * max(lights)
    assert any(layer.picture is scenes["twins"].target.picture for layer in scenes["twins"].behind)
    poses = [scenes["turning"].target.motion(time) for time in (0, 1)]
    assert poses[1].width / poses[0].width > 1.4
    assert poses[1].angle - poses[0].angle > 45


def test_targets_stay_in_the_frame():
    for scene in all_scenes():
        corners = np.array([scene.corners(frame) for frame in range(scene.frames)])
        assert corners.min() >= 0
        assert (corners[..., 0] <= WIDTH).all()
        assert (corners[..., 1] <= HEIGHT).all()


@pytest.mark.parametrize("angle", [0, 17, 45, 90, -130])
def test_the_picture_is_where_the_corners_say(angle: float):
    """A white card on black: its area, centroid and extent agree with the polygon to a tenth of a pixel."""
    pose = Pose(150.3, 110.8, 60.5, 40.25, angle)
    scene = Scene(
        "card",
        2,
        np.zeros((400, 500, 3), np.float32),
        lambda _: Pose(250, 200, WIDTH, HEIGHT),
        Layer(np.ones((80, 121, 3), np.float32), lambda _: pose),
    )
    grey = cv2.cvtColor(scene.render(0), cv2.COLOR_BGR2GRAY).astype(float)
    grey[grey < 20] = 0
    cover = grey / 255
    assert cover.sum() == pytest.approx(pose.width * pose.height, rel=0.01)
    rows, columns = np.indices(cover.shape) + 0.5
    assert (columns * cover).sum() / cover.sum() == pytest.approx(pose.x, abs=0.1)
    assert (rows * cover).sum() / cover.sum() == pytest.approx(pose.y, abs=0.1)
    corners = pose.corners()
    assert columns[cover > 0.5].max() == pytest.approx(corners[:, 0].max() - 0.5, abs=1.0)
