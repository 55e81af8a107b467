"""Frames as people store them: which images are the frames of a sequence, and in which order."""

from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from odd_datasets import BOX, SEQUENCE, Command, frames, loaded, picture, sequence
from PIL import Image

from attrax_vot.run import workspace

#: Names of six files in some folder of the sequence, and the numbers of the frames that are meant.
ARRANGED = {
    "color in color": ("color/color", [f"{number:08d}.jpg" for number in range(1, 7)]),
    "in the sequence's folder": ("", [f"{number:04d}.png" for number in range(1, 7)]),
    "img": ("img", [f"{number:04d}.jpg" for number in range(1, 7)]),
    "capitals": ("color", [f"{number:08d}.JPG" for number in range(1, 7)]),
    "from 0": ("color", [f"{number:08d}.jpg" for number in range(6)]),
    "from 2": ("color", [f"{number:08d}.jpg" for number in range(2, 8)]),
    "with gaps": ("color", [f"{number:08d}.jpg" for number in (1, 2, 4, 5, 8, 9)]),
    "no zeros": ("color", [f"{number}.jpg" for number in (7, 8, 9, 10, 11, 12)]),
    "decimals": ("color", ["t_.25.jpg", "t_.2599.jpg", "t_.26.jpg", "t_1.5.jpg", "t_1.75.jpg", "t_10.0.jpg"]),
    "counted after a dot": ("color", [f"frame.{number}.jpg" for number in (8, 9, 10, 11, 12, 13)]),
    "bmp": ("color", [f"{number:08d}.bmp" for number in range(1, 7)]),
    "tiff": ("color", [f"{number:08d}.tif" for number in range(1, 7)]),
    "mixed": ("color", [f"{number:08d}.{'JPG' if number % 2 else 'png'}" for number in range(1, 7)]),
    "per cent": ("color", [f"100% {number}.jpg" for number in range(1, 7)]),
    "leading dash": ("color", [f"-{number}.jpg" for number in range(1, 7)]),
    "line breaks": ("color", [f"a\nb {number}.jpg" for number in range(1, 7)]),
}


@pytest.mark.parametrize("described", [True, False], ids=["described", "bare"])
@pytest.mark.parametrize("kind", ARRANGED)
def test_frames_are_found(kind: str, described: bool, tmp_path: Path, init: Callable[..., Command]):
    place, names = ARRANGED[kind]
    folder = tmp_path / "data" / "car"
    frames(folder / place, names)
    (folder / place / "._0001.jpg").write_bytes(b"of a file system")
    if described:
        (folder / "sequence").write_text(SEQUENCE)
    (folder / "groundtruth.txt").write_text(f"{BOX}\n" * 6)
    result = init()
    assert result.code == 0, result.text
    assert loaded(tmp_path / "space") == {"car": [1, 2, 3, 4, 5, 6]}


def test_rows_belong_to_numbers_where_frames_are_missing(tmp_path: Path, init: Callable[..., Command]):
    folder = sequence(tmp_path / "data", count=6, truth="".join(f"{row},16,24,18\n" for row in range(1, 7)))
    (folder / "color" / "00000003.jpg").unlink()
    result = init()
    assert result.code == 0 and "no frame 3; rows belong to frames by the frames' numbers" in result.text
    assert loaded(tmp_path / "space") == {"car": [1, 2, 4, 5, 6]}
    (each,) = workspace.load(tmp_path / "space").dataset
    assert [region.x for region in each.groundtruth()] == [1, 2, 4, 5, 6]


def test_frames_that_are_missing_at_the_end(tmp_path: Path, call: Command):
    folder = sequence(tmp_path / "data", truth=f"{BOX}\n" * 7)
    result = call("check", tmp_path / "data")
    assert result.code == 1 and f"groundtruth.txt has 7 boxes, car 6 frames in {folder / 'color'}" in result.text


def test_a_link_to_nothing_is_a_frame_that_is_missing(tmp_path: Path, call: Command):
    folder = sequence(tmp_path / "data")
    (folder / "color" / "00000004.jpg").unlink()
    (folder / "color" / "00000004.jpg").symlink_to(tmp_path / "gone.jpg")
    result = call("check", tmp_path / "data")
    assert result.code == 1 and "00000004.jpg cannot be read as an image: there is no such file" in result.text


def test_a_folder_that_another_reader_of_the_toolkit_would_take(tmp_path: Path, init: Callable[..., Command]):
    """GOT-10k's reader fails on this one."""
    folder = sequence(tmp_path / "data")
    (folder / "meta_info.ini").write_text("[METAINFO]\nanno_fps: often\n")
    assert init().code == 0
    assert loaded(tmp_path / "space") == {"car": [1, 2, 3, 4, 5, 6]}


def test_two_kinds_of_images(tmp_path: Path, init: Callable[..., Command]):
    """Masks next to the frames are no frames; an ambiguous folder is refused."""
    folder = sequence(tmp_path / "data")
    (folder / "sequence").unlink()
    frames(folder / "color", ["1.png", "2.png"])
    result = init()
    assert result.code == 0 and "6 .jpg and 2 .png files; the .jpg files are the frames" in result.text
    assert loaded(tmp_path / "space") == {"car": [1, 2, 3, 4, 5, 6]}
    frames(folder / "color", [f"{number}.png" for number in range(1, 7)])
    result = init()
    assert result.code == 1 and "files for 6 rows of ground truth; move one kind away" in result.text


def test_orientation_is_applied(tmp_path: Path, init: Callable[..., Command]):
    """Frames are read upright, as the toolkit reads them: 60 x 80 stored with a quarter turn is 80 x 60 shown."""
    folder = sequence(tmp_path / "data", truth="70,10,9,9\n" * 6)
    exif = Image.Exif()
    exif[0x0112] = 6
    for number, frame in enumerate(sorted((folder / "color").iterdir()), 1):
        Image.fromarray(picture(number, (80, 60))).save(frame, exif=exif)
        assert cv2.imread(str(frame)).shape == (60, 80, 3)
    result = init()
    assert result.code == 0 and "odd" not in result.text, result.text
    (each,) = workspace.load(tmp_path / "space").dataset
    assert len(each) == 6 and each.size == (80, 60)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_a_sequence_file_in_another_encoding(encoding: str, tmp_path: Path, init: Callable[..., Command]):
    """The toolkit would miss the first line, or fail."""
    folder = sequence(tmp_path / "data")
    (folder / "color").rename(folder / "img")
    (folder / "sequence").write_bytes("channels.color=img/%08d.jpg\nauthor=J\xf6rg\n".encode(encoding))
    (folder / "anchor.value").write_text("1\n0\n0\n\n\n")
    assert init().code == 0
    assert loaded(tmp_path / "space") == {"car": [1, 2, 3, 4, 5, 6]}


def test_channels(tmp_path: Path, init: Callable[..., Command]):
    """Depth next to colour, and depth alone."""
    for name, channels in (("both", ("color", "depth")), ("alone", ("depth",))):
        folder = tmp_path / "data" / name
        for channel in channels:
            frames(folder / channel, [f"{number:08d}.png" for number in range(1, 7)])
        (folder / "sequence").write_text("".join(f"channels.{each}={each}/%08d.png\n" for each in channels))
        (folder / "groundtruth.txt").write_text(f"{BOX}\n" * 6)
    result = init()
    assert result.code == 0 and result.text.count("odd") == 1, result.text
    assert "alone has depth, not color: trackers of color frames cannot run on it" in result.text
    opened = {each.name: each for each in workspace.load(tmp_path / "space").dataset}
    assert set(opened["both"].channels()) == {"color", "depth"} and set(opened["alone"].channels()) == {"depth"}
    (tmp_path / "data" / "both" / "depth" / "00000003.png").unlink()
    result = init()
    assert result.code == 1 and "channels have different numbers of frames: 6 of color, 5 of depth" in result.text
    (tmp_path / "data" / "both" / "depth" / "00000006.png").unlink()
    result = init()
    assert result.code == 1 and "groundtruth.txt has 6 boxes, both 4 frames in" in result.text


def test_a_sequence_file_that_is_wrong(tmp_path: Path, init: Callable[..., Command]):
    folder = sequence(tmp_path / "data")
    (folder / "sequence").write_text(f"{SEQUENCE}width=10\nheight=7\nlength=1000000000\nfps=often\n")
    result = init()
    assert result.code == 0, result.text
    for words in ("says 10 x 7", "length=1000000000, but there are 6 frames", "fps=often is not a number"):
        assert words in result.text
    (each,) = workspace.load(tmp_path / "space").dataset
    assert len(each) == 6 and each.size == (80, 60)
