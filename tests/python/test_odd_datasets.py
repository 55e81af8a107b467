"""Datasets that people really have: what loads, as what, and what is said of the rest. Through the commands and the
toolkit, with a tracker's process where one is needed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import jitter_registry
from PIL import Image
from toolkits import finish, start
from vot.region import Special
from vot.region.io import read_trajectory
from vot.tracker import Trajectory

from attrax_vot.cli import main
from attrax_vot.run import workspace

BOX = "20,16,24,18"
SEQUENCE = "channels.color=color/%08d.jpg\nfps=30\nformat=default\n"


def picture(number: int, size: tuple[int, int] = (60, 80)) -> np.ndarray:
    """A frame whose grey says its number."""
    return np.full((*size, 3), 10 * number, np.uint8)


def frames(folder: Path, names: list[str]) -> None:
    """Frames by these names; the first is number 1, whatever its name says."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names, 1):
        Image.fromarray(picture(number)).save(folder / name)


def sequence(root: Path, name: str = "car", count: int = 6, truth: str | bytes | None = None) -> Path:
    """A sequence in the toolkit's own layout; its folder."""
    folder = root / name
    frames(folder / "color", [f"{number:08d}.jpg" for number in range(1, count + 1)])
    (folder / "sequence").write_text(SEQUENCE)
    whole = f"{BOX}\n" * count if truth is None else truth
    (folder / "groundtruth.txt").write_bytes(whole.encode() if isinstance(whole, str) else whole)
    return folder


class Said:
    """What a command said, and how it ended."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.code = 0
        self.text = ""

    def __call__(self, *arguments: object) -> "Said":
        self.code = main(list(map(str, arguments)))
        self.text = "".join(self._capsys.readouterr())
        return self


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Said:
    """Runs a command of `attrax-vot`."""
    return Said(capsys)


@pytest.fixture
def init(call: Said, tmp_path: Path) -> Callable[..., Said]:
    """Makes the workspace `space` of the dataset `data`."""
    registry = jitter_registry(tmp_path)

    def run(*options: object) -> Said:
        return call("init", tmp_path / "space", "--dataset", tmp_path / "data", "--registry", registry, *options)

    return run


def loaded(space: Path) -> dict[str, list[int]]:
    """The sequences of a workspace as the toolkit reads them: the grey of each frame, by which its number is known."""
    found = {}
    for each in workspace.load(space).dataset:
        greys = [each.frame(index).image().mean() for index in range(len(each))]
        found[each.name] = [round(grey / 10) for grey in greys]
        assert len(each.groundtruth()) == len(greys)
    return found


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
def test_frames_are_found(kind: str, described: bool, tmp_path: Path, init: Callable[..., Said]):
    place, names = ARRANGED[kind]
    folder = tmp_path / "data" / "car"
    frames(folder / place, names)
    (folder / place / "._0001.jpg").write_bytes(b"of a file system")
    if described:
        (folder / "sequence").write_text(SEQUENCE)
    (folder / "groundtruth.txt").write_text(f"{BOX}\n" * 6)
    said = init()
    assert said.code == 0, said.text
    assert loaded(tmp_path / "space") == {"car": [1, 2, 3, 4, 5, 6]}


def test_rows_belong_to_numbers_where_frames_are_missing(tmp_path: Path, init: Callable[..., Said]):
    folder = sequence(tmp_path / "data", count=6, truth="".join(f"{row},16,24,18\n" for row in range(1, 7)))
    (folder / "color" / "00000003.jpg").unlink()
    said = init()
    assert said.code == 0 and "no frame 3; rows belong to frames by the frames' numbers" in said.text
    assert loaded(tmp_path / "space") == {"car": [1, 2, 4, 5, 6]}
    (each,) = workspace.load(tmp_path / "space").dataset
    assert [region.x for region in each.groundtruth()] == [1, 2, 4, 5, 6]


def test_frames_that_are_missing_at_the_end(tmp_path: Path, call: Said):
    folder = sequence(tmp_path / "data", truth=f"{BOX}\n" * 7)
    said = call("check", tmp_path / "data")
    assert said.code == 1 and f"groundtruth.txt has 7 boxes, car 6 frames in {folder / 'color'}" in said.text


def test_a_link_to_nothing_is_a_frame_that_is_missing(tmp_path: Path, call: Said):
    folder = sequence(tmp_path / "data")
    (folder / "color" / "00000004.jpg").unlink()
    (folder / "color" / "00000004.jpg").symlink_to(tmp_path / "gone.jpg")
    said = call("check", tmp_path / "data")
    assert said.code == 1 and "00000004.jpg cannot be read as an image: there is no such file" in said.text


def test_a_folder_that_another_reader_of_the_toolkit_would_take(tmp_path: Path, init: Callable[..., Said]):
    """GOT-10k's reader fails on this one."""
    folder = sequence(tmp_path / "data")
    (folder / "meta_info.ini").write_text("[METAINFO]\nanno_fps: often\n")
    assert init().code == 0
    assert loaded(tmp_path / "space") == {"car": [1, 2, 3, 4, 5, 6]}


def test_two_kinds_of_images(tmp_path: Path, init: Callable[..., Said]):
    """Masks next to the frames are no frames; where nothing says which is which, that is said."""
    folder = sequence(tmp_path / "data")
    (folder / "sequence").unlink()
    frames(folder / "color", ["1.png", "2.png"])
    said = init()
    assert said.code == 0 and "6 .jpg and 2 .png files; the .jpg files are the frames" in said.text
    assert loaded(tmp_path / "space") == {"car": [1, 2, 3, 4, 5, 6]}
    frames(folder / "color", [f"{number}.png" for number in range(1, 7)])
    said = init()
    assert said.code == 1 and "files for 6 rows of ground truth; move one kind away" in said.text


TRUTHS = {
    "byte order mark": b"\xef\xbb\xbf" + f"{BOX}\n".encode() * 6,
    "utf-16": ("\ufeff" + f"{BOX}\n" * 6).encode("utf-16-le"),
    "windows": f"{BOX}\r\n".encode() * 6,
    "old mac": f"{BOX}\r".encode() * 6,
    "blanks": b" 20  16 24 18 \n" * 6,
    "tabs": b"20\t16\t24\t18\n" * 6,
    "semicolons": b"20; 16; 24; 18\n" * 6,
    "separator at the end": b"20,16,24,18,\n" * 6,
    "exponents": b"2e1,1.6E+1,.24e2,18.\n" * 6,
    "blank lines at the end": f"{BOX}\n".encode() * 6 + b"\n  \n\n",
    "no line break at the end": f"{BOX}\n".encode() * 5 + BOX.encode(),
}


@pytest.mark.parametrize("kind", TRUTHS)
def test_ground_truth_in_any_form(kind: str, tmp_path: Path, init: Callable[..., Said]):
    sequence(tmp_path / "data", truth=TRUTHS[kind])
    said = init()
    assert said.code == 0 and "odd" not in said.text, said.text
    (each,) = workspace.load(tmp_path / "space").dataset
    assert {(region.x, region.y, region.width, region.height) for region in each.groundtruth()} == {(20, 16, 24, 18)}


#: A third line, and what is said of it.
BAD_LINES = {
    "": "'' is empty",
    "1,2,x,4": "holds 'x', which is no number",
    "1,2,3": "has 3 numbers",
    "1,2": "has 2 numbers",
    "1,2,3,4,5": "has 5 numbers",
    "1,,2,3": "holds '', which is no number",
    "1_0,2,3,4": "holds '1_0', which is no number",
    "1e30,2,3,4": "holds 1e+30, which is no place in a frame",
    "m1,1,2,2,0,5": "has runs of 5 pixels, more than the 2 x 2 of the mask",
    "m1,1,2,2,0,99999999999999999999": "holds '99999999999999999999', which is no whole number",
    "m0,0,40000,40000,0,1600000000": "is a mask of 40000 x 40000 pixels; they are limited to 67108864 pixels",
    "m0,0,-4,-4,0": "is a mask with a negative length",
    "m0,0,4,4,-9,12": "is a mask with a negative length",
    "m0,0,4": "is a mask without its left, top, width and height",
    "m0.5,0,4,4,0,16": "is a mask that holds '0.5'",
    "m9999999,0,4,4,0,16": "is a mask at 9999999,0, which is no place in a frame",
}


@pytest.mark.parametrize("line", BAD_LINES, ids=[line or "blank" for line in BAD_LINES])
def test_unreadable_lines_are_named(line: str, tmp_path: Path, call: Said, init: Callable[..., Said]):
    sequence(tmp_path / "data", truth=f"{BOX}\n{BOX}\n{line}\n" + f"{BOX}\n" * 3)
    for said in (call("check", tmp_path / "data"), init()):
        assert said.code == 1 and f"groundtruth.txt, line 3: '{line}'" in said.text, said.text
        assert BAD_LINES[line] in said.text
    assert not (tmp_path / "space" / "config.yaml").exists()


#: A row that no tracker can be started with, and why.
NO_REGIONS = {
    "nan,nan,nan,nan": "not a number",
    "NaN\tNaN\tNaN\tNaN": "not a number",
    "inf,2,3,4": "infinite",
    "0,0,0,0": "no area",
    "5,5,-3,4": "negative size",
    "0": "a code",
    "m0,0,0,0,0": "empty mask",
    "m3,3,2,2,4": "empty mask",
    "500,500,20,20": "outside the frame of 80 x 60",
    "m90,3,2,2,0,4": "outside the frame of 80 x 60",
}


@pytest.mark.parametrize("row", NO_REGIONS)
def test_a_supervised_run_ends_whatever_rows_have_no_region(row: str, tmp_path: Path, call: Said, init: Callable):
    """It starts at the first frame with a region, and after a failure at the next one."""
    rows = [row, row, BOX, BOX, row, *[BOX] * 3, row, row, row, row, *[BOX] * 4]
    sequence(tmp_path / "data", count=len(rows), truth="".join(f"{each}\n" for each in rows))
    said = init("--experiments", "baseline", "--repetitions", 1)
    assert said.code == 0, said.text
    assert f"groundtruth.txt, lines 1-2, 5, 9-12: no region: {NO_REGIONS[row]}" in said.text
    assert "car starts at frame 3 of 16" in said.text
    space = tmp_path / "space"
    said = call("run", space, "Jitter", "--no-estimate")
    assert said.code == 0, said.text
    # The toolkit takes a frame without a region for a failure: in frame 5, the third one of the run, too. Five frames
    # later is frame 10, which has no region either; the next one with a region is frame 13.
    opened = workspace.load(space)
    (experiment,) = opened.stack
    (each,) = opened.dataset
    found = Trajectory.read(experiment.results(opened.registry["Jitter"], each), "car_001").regions()
    codes = [region.code if isinstance(region, Special) else None for region in found]
    assert codes[:3] == [1, None, 2] and codes[3:10] == [0] * 7 and codes[10:] == [1, None, None, None]
    assert call("check", tmp_path / "data").code == 1
    assert init("--experiments", "baseline", "--repetitions", 1).code == 0


@pytest.mark.parametrize("version", ["0.7.4", "0.9.0"])
def test_plain_vot_skips_frames_without_a_region(version: str, tmp_path: Path):
    """In a workspace of ours, `vot evaluate` of the oldest and the newest toolkit ends with the same frames."""
    rows = [*["nan,nan,nan,nan"] * 2, *[BOX] * 2, "0,0,0,0", *[BOX] * 3, *["5,5,-3,4"] * 4, *[BOX] * 4]
    sequence(tmp_path / "data", count=len(rows), truth="".join(f"{each}\n" for each in rows))
    registry, space = jitter_registry(tmp_path), tmp_path / "space"
    common = ["--dataset", tmp_path / "data", "--registry", registry, "--experiments", "baseline", "--repetitions", 1]
    finish(start(version, "attrax_vot", "init", space, *common))
    finish(start(version, "vot", "evaluate", "--workspace", space, "Jitter"))
    (result,) = space.glob("results/Jitter/baseline/car/car_001.*")
    found = read_trajectory(str(result))
    codes = [region.code if isinstance(region, Special) else None for region in found]
    assert codes[:3] == [1, None, 2] and codes[3:10] == [0] * 7 and codes[10:] == [1, None, None, None]


@pytest.mark.parametrize("row", ["nan,nan,nan,nan", "0", "0,0,0,0", "m0,0,0,0,0"])
def test_a_report_on_frames_without_a_region(row: str, tmp_path: Path, call: Said, init: Callable[..., Said]):
    rows = [*[BOX] * 4, row, row, *[BOX] * 6]
    sequence(tmp_path / "data", count=len(rows), truth="".join(f"{each}\n" for each in rows))
    assert init("--experiments", "baseline", "--repetitions", 1).code == 0
    assert call("run", tmp_path / "space", "Jitter", "--no-estimate").code == 0
    said = call("report", tmp_path / "space")
    assert said.code == 0, said.text
    assert (tmp_path / "space" / "report" / "report.html").read_text().count("data:image/jpeg") == 1
    assert call("render", tmp_path / "space", "--tracker", "Jitter").code == 0


def test_no_region_at_all(tmp_path: Path, init: Callable[..., Said]):
    sequence(tmp_path / "data", truth="nan,nan,nan,nan\n" * 6)
    said = init()
    assert said.code == 1 and "groundtruth.txt: no frame has a region to start from" in said.text


@pytest.mark.parametrize("entry", ["..", "../outside", "/", "{data}/car", ".", "car/../../outside"])
def test_a_list_that_leaves_the_dataset(entry: str, tmp_path: Path, init: Callable[..., Said]):
    sequence(tmp_path / "data")
    sequence(tmp_path, "outside")
    entry = entry.format(data=tmp_path / "data")
    (tmp_path / "data" / "list.txt").write_text(f"car\n{entry}\n")
    said = init("--skip-damaged")
    assert said.code == 0 and f"list.txt: '{entry}' is outside the dataset" in said.text
    assert list(loaded(tmp_path / "space")) == ["car"]
    assert sorted(path.name for path in (tmp_path / "space" / "sequences").iterdir()) == ["car", "list.txt"]


LISTS = {
    "latin-1": ("v\xe9lo\ncar\n".encode("latin-1"), ["v\xe9lo", "car"]),
    "byte order mark": (b"\xef\xbb\xbfcar\r\nv\xc3\xa9lo\r\n", ["car", "v\xe9lo"]),
    "twice": (b"car\ncar\n", ["car"]),
    "blank lines": (b"\n car \n\n", ["car"]),
}


@pytest.mark.parametrize("kind", LISTS)
def test_lists_in_any_form(kind: str, tmp_path: Path, init: Callable[..., Said]):
    data, names = LISTS[kind]
    for name in names:
        sequence(tmp_path / "data", name)
    (tmp_path / "data" / "list.txt").write_bytes(data)
    said = init()
    assert said.code == 0, said.text
    assert list(loaded(tmp_path / "space")) == names


@pytest.mark.parametrize("name", ["100% [x]*", "-dash", "two words", "line\nbreak", " blank "])
def test_names_of_sequences(name: str, tmp_path: Path, call: Said, init: Callable[..., Said]):
    sequence(tmp_path / "data", name)
    said = init("--experiments", "baseline", "--repetitions", 1)
    assert said.code == 0, said.text
    (shown,) = loaded(tmp_path / "space")
    assert len(shown) == len(name) and (shown == name or "is called" in said.text)
    assert call("run", tmp_path / "space", "Jitter", "--no-estimate").code == 0


def test_one_damaged_sequence_does_not_stop_the_others(tmp_path: Path, call: Said, init: Callable[..., Said]):
    for number in range(5):
        sequence(tmp_path / "data", f"s{number}")
    (tmp_path / "data" / "s1" / "groundtruth.txt").write_text("rubbish\n" * 6)
    frame = tmp_path / "data" / "s3" / "color" / "00000004.jpg"
    frame.write_bytes(frame.read_bytes()[:400])
    said = call("check", tmp_path / "data")
    assert said.code == 1 and "5 sequences, 2 odd, 2 of them damaged" in said.text
    assert "s1/groundtruth.txt, line 1: 'rubbish'" in said.text and "00000004.jpg cannot be read" in said.text
    said = init()
    assert said.code == 1 and "2 of 5 sequences are damaged: s1, s3; mend them" in said.text
    said = init("--skip-damaged")
    assert said.code == 0 and "left out: s1, s3" in said.text
    assert list(loaded(tmp_path / "space")) == ["s0", "s2", "s4"]


def test_values_of_words_and_tags_in_latin_1(tmp_path: Path, init: Callable[..., Said]):
    folder = sequence(tmp_path / "data")
    (folder / "anchor.value").write_text("1\nnone\n0\n")
    (folder / "speed.value").write_text("1\n2\n" * 10)
    (folder / "occlusion.tag").write_bytes(b"1\nn\xe3o\n1\n")
    said = init()
    assert said.code == 0
    assert "anchor.value, line 2: 'none' is no number; the file is left out" in said.text
    assert "speed.value has 20 values for 6 frames" in said.text
    (each,) = workspace.load(tmp_path / "space").dataset
    assert [list(each.tags(index)) for index in range(4)] == [["occlusion"], [], ["occlusion"], []]
    assert each.values(1) == {"speed": 2}


def test_channels(tmp_path: Path, init: Callable[..., Said]):
    """Depth next to colour, and depth alone."""
    for name, channels in (("both", ("color", "depth")), ("alone", ("depth",))):
        folder = tmp_path / "data" / name
        for channel in channels:
            frames(folder / channel, [f"{number:08d}.png" for number in range(1, 7)])
        (folder / "sequence").write_text("".join(f"channels.{each}={each}/%08d.png\n" for each in channels))
        (folder / "groundtruth.txt").write_text(f"{BOX}\n" * 6)
    said = init()
    assert said.code == 0 and said.text.count("odd") == 1, said.text
    assert "alone has depth, not color: trackers of color frames cannot run on it" in said.text
    opened = {each.name: each for each in workspace.load(tmp_path / "space").dataset}
    assert set(opened["both"].channels()) == {"color", "depth"} and set(opened["alone"].channels()) == {"depth"}
    (tmp_path / "data" / "both" / "depth" / "00000003.png").unlink()
    said = init()
    assert said.code == 1 and "channels have different numbers of frames: 6 of color, 5 of depth" in said.text
    (tmp_path / "data" / "both" / "depth" / "00000006.png").unlink()
    said = init()
    assert said.code == 1 and "groundtruth.txt has 6 boxes, both 4 frames in" in said.text


def test_several_objects_in_a_stack_of_one(tmp_path: Path, init: Callable[..., Said]):
    folder = sequence(tmp_path / "data")
    (folder / "groundtruth.txt").rename(folder / "groundtruth_left.txt")
    (folder / "groundtruth_right.txt").write_text("1,1,9,9\n" * 4)
    said = init()
    assert (
        said.code == 1 and "car has 2 objects (left, right); baseline, unsupervised of stack vot2016/rgb" in said.text
    )
    assert "--stack vots2023 or vots2024/main" in said.text
    said = init("--stack", "vots2023")
    assert said.code == 0 and "object right has 4 rows of 6: the others are not annotated" in said.text
    assert set(next(iter(workspace.load(tmp_path / "space").dataset)).objects()) == {"left", "right"}


def test_orientation_is_applied(tmp_path: Path, init: Callable[..., Said]):
    """Frames are read upright, as the toolkit reads them: 60 x 80 stored with a quarter turn is 80 x 60 shown."""
    folder = sequence(tmp_path / "data", truth="70,10,9,9\n" * 6)
    exif = Image.Exif()
    exif[0x0112] = 6
    for number, frame in enumerate(sorted((folder / "color").iterdir()), 1):
        Image.fromarray(picture(number, (80, 60))).save(frame, exif=exif)
        assert cv2.imread(str(frame)).shape == (60, 80, 3)
    said = init()
    assert said.code == 0 and "odd" not in said.text, said.text
    (each,) = workspace.load(tmp_path / "space").dataset
    assert len(each) == 6 and each.size == (80, 60)


def test_otb_counts_from_1_by_the_name_of_the_file(tmp_path: Path, init: Callable[..., Said]):
    for name, file in (("rect", "groundtruth_rect.txt"), ("plain", "groundtruth.txt")):
        frames(tmp_path / "data" / name, [f"{number:04d}.jpg" for number in range(1, 4)])
        (tmp_path / "data" / name / file).write_text(f"{BOX}\n" * 3)
    assert init("--format", "images").code == 0
    found = {each.name: each.groundtruth(0) for each in workspace.load(tmp_path / "space").dataset}
    assert (found["rect"].x, found["rect"].y, found["rect"].width) == (19, 15, 24)
    assert (found["plain"].x, found["plain"].y, found["plain"].width) == (20, 16, 24)


def test_a_workspace_belongs_to_one_dataset(tmp_path: Path, call: Said, init: Callable[..., Said]):
    """Files of a dataset are never written to: neither through a link, nor where it has changed its form."""
    folder = sequence(tmp_path / "data")
    assert init().code == 0
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    odd = folder / "groundtruth.txt"
    odd.write_text(f"{BOX} \n".replace(",", " ") * 6)
    assert init().code == 0
    assert odd.read_text() == "20 16 24 18 \n" * 6
    odd.write_bytes(before[odd])
    assert init().code == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    shutil.copytree(tmp_path / "data", tmp_path / "other")
    said = call("init", tmp_path / "space", "--dataset", tmp_path / "other", "--registry", tmp_path / "jitter.ini")
    assert said.code == 1 and "this workspace belongs to another dataset" in said.text
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "sequences").symlink_to(tmp_path / "other")
    said = call("init", tmp_path / "linked", "--dataset", tmp_path / "data", "--registry", tmp_path / "jitter.ini")
    assert said.code == 1 and "sequences is a link" in said.text


def test_sequences_in_the_workspace_itself(tmp_path: Path, call: Said):
    """As the toolkit puts them there; the dataset's address is not asked where something is there already."""
    registry, space = jitter_registry(tmp_path), tmp_path / "space"
    for name in ("good", "odd"):
        sequence(space / "sequences", name)
    (space / "sequences" / "list.txt").write_text("good\nodd\n")
    truth = space / "sequences" / "odd" / "groundtruth.txt"
    truth.write_text(f"{BOX}\n" * 3 + "nan,nan,nan,nan\n" * 3)
    said = call("check", space)
    assert said.code == 1 and "2 sequences, 1 odd, 0 of them damaged" in said.text
    before = truth.read_bytes()
    settings = workspace.Settings(None, registry=registry)
    clips = workspace.read(space, settings)
    assert [bool(clip.errors) for clip in clips] == [False, True]
    assert "where the toolkit would not read it as it is meant" in clips[1].errors[0]
    one_pass = workspace.Settings(None, registry=registry, experiments=("unsupervised",))
    assert not any(clip.errors for clip in workspace.read(space, one_pass))
    assert truth.read_bytes() == before


def test_a_workspace_that_is_a_link_to_itself(tmp_path: Path, call: Said):
    sequence(tmp_path / "data")
    (tmp_path / "space").symlink_to(tmp_path / "space")
    said = call("init", tmp_path / "space", "--dataset", tmp_path / "data", "--registry", jitter_registry(tmp_path))
    assert said.code == 1 and said.text.startswith("error: ")


def test_a_workspace_in_a_folder_that_the_toolkit_cannot_read(tmp_path: Path, call: Said):
    sequence(tmp_path / "data")
    registry = jitter_registry(tmp_path)
    said = call("init", tmp_path / "100%", "--dataset", tmp_path / "data", "--registry", registry)
    assert said.code == 1 and "the toolkit cannot work in a folder with '%' in its path" in said.text


def test_truth_apart_from_the_frames(tmp_path: Path, init: Callable[..., Said]):
    """NfS, UAV123, TrackingNet and TNL2K."""
    data = tmp_path / "data"
    frames(data / "ball" / "30" / "ball", [f"{number:05d}.jpg" for number in range(1, 4)])
    rows = [f'0 20 16 44 34 {frame} {int(frame == 1)} 0 0 "ball"\n' for frame in range(3)]
    (data / "ball" / "30" / "ball.txt").write_text("".join(rows))
    frames(data / "data_seq" / "UAV123" / "car1", [f"{number:06d}.jpg" for number in range(750, 754)])
    (data / "anno" / "UAV123").mkdir(parents=True)
    (data / "anno" / "UAV123" / "car1_2.txt").write_text("20,16,24,18\nNaN,NaN,NaN,NaN\n20,16,24,18\n")
    frames(data / "TEST" / "frames" / "clip", ["0.jpg", "1.jpg", "2.jpg"])
    (data / "TEST" / "anno").mkdir()
    (data / "TEST" / "anno" / "clip.txt").write_text(f"{BOX}\n")
    frames(data / "talk" / "imgs", ["00001.png", "00002.png", "00003.png"])
    (data / "talk" / "groundtruth.txt").write_text(f"{BOX}\n" * 3)
    for layout, name in (("nfs", "ball"), ("uav123", "car1_2"), ("trackingnet", "clip"), ("tnl2k", "talk")):
        shutil.rmtree(tmp_path / "space", ignore_errors=True)
        said = init("--format", layout)
        assert said.code == 0, said.text
        (each,) = workspace.load(tmp_path / "space").dataset
        assert each.name == name and len(each) == 3
        first = each.groundtruth(0)
        assert (first.x, first.y, first.width, first.height) == (20, 16, 24, 18)
        assert isinstance(each.groundtruth(1), Special) == (layout != "tnl2k")
    assert loaded(tmp_path / "space")["talk"] == [1, 2, 3]


def test_a_sequence_file_that_is_wrong(tmp_path: Path, init: Callable[..., Said]):
    folder = sequence(tmp_path / "data")
    (folder / "sequence").write_text(f"{SEQUENCE}width=10\nheight=7\nlength=1000000000\nfps=often\n")
    said = init()
    assert said.code == 0, said.text
    for words in ("says 10 x 7", "length=1000000000, but there are 6 frames", "fps=often is no number"):
        assert words in said.text
    (each,) = workspace.load(tmp_path / "space").dataset
    assert len(each) == 6 and each.size == (80, 60)
