"""`attrax track --export`: each format is read back by a reader that is not attrax's."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import cv2
import jsonschema
import numpy as np
import pytest
from conftest import shorten
from pycocotools import coco
from test_track_walk import ATTRAX, SWIFT, attrax

pytestmark = pytest.mark.skipif(not ATTRAX.is_file(), reason="out/bin/attrax is not built: make build")

FRAMES = 5
BOXES = ("60,60,60,60", "150,90,40,40")

NUMBER = {"type": "number"}
#: The parts of COCO's format that detection tools read.
COCO = {
    "type": "object",
    "required": ["images", "annotations", "categories"],
    "properties": {
        "images": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["id", "file_name", "width", "height"],
                "properties": {"id": {"type": "integer"}, "file_name": {"type": "string"}},
            },
        },
        "annotations": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "image_id", "category_id", "bbox", "area", "iscrowd"],
                "properties": {
                    "bbox": {"type": "array", "items": NUMBER, "minItems": 4, "maxItems": 4},
                    "area": {"type": "number", "exclusiveMinimum": 0},
                    "iscrowd": {"enum": [0, 1]},
                },
            },
        },
        "categories": {"type": "array", "items": {"type": "object", "required": ["id", "name"]}},
    },
}


@pytest.fixture(scope="module")
def frames(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first frames of a sequence of the demo."""
    return shorten(demo, tmp_path_factory.mktemp("track") / "short", {"turning": FRAMES}) / "turning" / "color"


@pytest.fixture(scope="module")
def exported(frames: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray, np.ndarray]:
    """A run's exports, the boxes of its two targets (frame, target, number), and whether they were found."""
    folder = tmp_path_factory.mktemp("export")
    wanted = {"coco": "a.json", "mot": "a.txt", "cvat": "a.xml", "yolo": "yolo"}
    flags = [flag for name, path in wanted.items() for flag in ("--export", f"{name}={folder / path}")]
    boxes = [flag for box in BOXES for flag in ("--box", box)]
    ran = attrax("track", frames, "--start", "2", *boxes, *flags, "--label", "a <car>", *SWIFT)
    assert ran.returncode == 0, ran.stderr
    assert sorted(path.name for path in folder.iterdir()) == sorted(wanted.values())
    table = list(csv.DictReader(ran.stdout.splitlines()))
    columns = ("x", "y", "width", "height")
    numbers = [[[float(row[f"{target}{name}"]) for name in columns] for target in ("", "target2_")] for row in table]
    found = [[row[f"{target}found"] == "1" for target in ("", "target2_")] for row in table]
    assert len(table) == FRAMES - 1
    return folder, np.array(numbers), np.array(found)


def test_coco(exported: tuple[Path, np.ndarray, np.ndarray], frames: Path):
    folder, boxes, found = exported
    data = json.loads((folder / "a.json").read_text())
    jsonschema.validate(data, COCO)
    read = coco.COCO(str(folder / "a.json"))
    assert sorted(read.getImgIds()) == list(range(2, FRAMES + 1)) and read.getCatIds() == [1]
    images = {image["id"]: image for image in data["images"]}
    assert [image["file_name"] for image in data["images"]] == sorted(path.name for path in frames.iterdir())[1:]
    assert data["categories"] == [{"id": 1, "name": "a <car>"}]
    assert len({each["id"] for each in data["annotations"]}) == len(data["annotations"]) == found.sum()
    for each in data["annotations"]:
        assert each["image_id"] in images and each["category_id"] == 1
        # Image 2 is the run's first frame.
        box = boxes[each["image_id"] - 2, each["track_id"] - 1]
        assert each["bbox"] == pytest.approx(box, abs=1e-3)
        assert each["area"] == pytest.approx(box[2] * box[3], rel=1e-3)


def test_mot(exported: tuple[Path, np.ndarray, np.ndarray]):
    folder, boxes, found = exported
    rows = np.loadtxt(folder / "a.txt", delimiter=",", ndmin=2)
    assert rows.shape == (found.sum(), 10) and (rows[:, 7:] == -1).all()
    for frame, target, left, top, width, height, probability, *_ in rows:
        x, y, *size = boxes[int(frame) - 2, int(target) - 1]
        # MOTChallenge counts pixels from 1.
        assert [left - 1, top - 1, width, height] == pytest.approx([x, y, *size], abs=2e-3)
        assert 0 < probability <= 1


def test_cvat(exported: tuple[Path, np.ndarray, np.ndarray]):
    folder, boxes, found = exported
    root = ElementTree.parse(folder / "a.xml").getroot()
    assert root.tag == "annotations" and root.findtext("version") == "1.1"
    assert root.findtext("meta/task/labels/label/name") == "a <car>"
    assert int(root.findtext("meta/task/size")) == FRAMES
    tracks = root.findall("track")
    assert [track.get("id") for track in tracks] == ["0", "1"]
    for target, track in enumerate(tracks):
        for box in track.findall("box"):
            frame = int(box.get("frame")) - 1
            assert (box.get("outside") == "0") == found[frame, target]
            if found[frame, target]:
                left, top, right, bottom = (float(box.get(name)) for name in ("xtl", "ytl", "xbr", "ybr"))
                numbers = [left, top, right - left, bottom - top]
                assert numbers == pytest.approx(boxes[frame, target], abs=0.02)


def test_yolo(exported: tuple[Path, np.ndarray, np.ndarray], frames: Path):
    folder, boxes, found = exported
    assert (folder / "yolo" / "classes.txt").read_text() == "a <car>\n"
    paths = sorted(frames.iterdir())[1:]
    height, width = cv2.imread(str(paths[0])).shape[:2]
    for number, path in enumerate(paths):
        text = (folder / "yolo" / f"{path.stem}.txt").read_text()
        rows = [[float(value) for value in line.split()] for line in text.splitlines()]
        assert len(rows) == found[number].sum()
        for (name, x, y, wide, high), box in zip(rows, boxes[number][found[number]], strict=True):
            corners = np.array([x - wide / 2, y - high / 2, x + wide / 2, y + high / 2]) * [
                width,
                height,
                width,
                height,
            ]
            left, top = box[:2]
            expected = [left, top, left + box[2], top + box[3]]
            expected = np.clip(expected, 0, [width, height, width, height])
            assert name == 0 and corners == pytest.approx(expected, abs=0.01)


def test_a_video_becomes_a_sequence_of_the_toolkit(
    frames: Path, ffmpeg: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    from vot.dataset import load_sequence

    from attrax_vot.cli import main

    clip = tmp_path / "clip.mkv"
    source = ["-framerate", "12.4", "-i", frames / "%08d.jpg"]
    subprocess.run([ffmpeg, "-loglevel", "error", *source, "-c:v", "ffv1", clip], check=True)
    car, text = tmp_path / "data" / "car", tmp_path / "groundtruth.txt"
    car.parent.mkdir()
    exports = ("--export", f"sequence={car}", "--export", f"groundtruth={text}")
    ran = attrax("track", clip, "--box", BOXES[0], "--start", "2", *exports, *SWIFT)
    assert ran.returncode == 0, ran.stderr
    table = list(csv.DictReader(ran.stdout.splitlines()))
    (tmp_path / "data" / "list.txt").write_text("car\n")
    main(["check", str(tmp_path / "data")])
    *odd, summary = capsys.readouterr().out.splitlines()
    # Frames without the target have no region.
    assert bool(odd) == any(row["found"] == "0" for row in table)
    assert all("no region: not a number" in line for line in odd) and "0 of them damaged" in summary
    sequence = load_sequence(str(car))
    assert len(sequence) == len(table) == FRAMES - 1 and sequence.metadata("fps") == 12
    decoded = cv2.imread(str(sorted(frames.iterdir())[1])).astype(int)
    assert np.abs(cv2.imread(sequence.frame(0).filename("color")).astype(int) - decoded).mean() < 3
    for number, row in enumerate(table):
        region = sequence.groundtruth(number)
        if row["found"] == "1":
            box = [region.x, region.y, region.width, region.height]
            assert box == pytest.approx([float(row[name]) for name in ("x", "y", "width", "height")], abs=2e-3)
    # The file on its own has a line for each frame of the video.
    assert text.read_text() == "nan,nan,nan,nan\n" + (car / "groundtruth.txt").read_text()


def test_frames_that_are_files_are_copied_and_tracked_again(frames: Path, tmp_path: Path):
    car = tmp_path / "car"
    first = attrax("track", frames, "--box", BOXES[0], "--export", f"sequence={car}", *SWIFT)
    copies, originals = (sorted(folder.iterdir()) for folder in (car / "color", frames))
    assert [path.read_bytes() for path in copies] == [path.read_bytes() for path in originals]
    again = attrax("track", car, *SWIFT)
    assert again.stdout == first.stdout, again.stderr
