"""Ground truth as people write it: its meaning, or the error."""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import jitter_registry
from odd_datasets import BOX, Command, frames, sequence
from toolkits import finish, start
from vot.region import Special
from vot.region.io import read_trajectory
from vot.tracker import Trajectory

from attrax_vot.run import workspace

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
def test_ground_truth_in_any_form(kind: str, tmp_path: Path, init: Callable[..., Command]):
    sequence(tmp_path / "data", truth=TRUTHS[kind])
    result = init()
    assert result.code == 0 and "odd" not in result.text, result.text
    (each,) = workspace.load(tmp_path / "space").dataset
    assert {(region.x, region.y, region.width, region.height) for region in each.groundtruth()} == {(20, 16, 24, 18)}


#: A third line, and its error.
BAD_LINES = {
    "": "'' is empty",
    "1,2,x,4": "holds 'x', which is not a number",
    "1,2,3": "has 3 numbers",
    "1,2": "has 2 numbers",
    "1,2,3,4,5": "has 5 numbers",
    "1,,2,3": "holds '', which is not a number",
    "1_0,2,3,4": "holds '1_0', which is not a number",
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
def test_unreadable_lines_are_named(line: str, tmp_path: Path, call: Command, init: Callable[..., Command]):
    sequence(tmp_path / "data", truth=f"{BOX}\n{BOX}\n{line}\n" + f"{BOX}\n" * 3)
    for result in (call("check", tmp_path / "data"), init()):
        assert result.code == 1 and f"groundtruth.txt, line 3: '{line}'" in result.text, result.text
        assert BAD_LINES[line] in result.text
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


def test_a_supervised_run_ends_whatever_rows_have_no_region(tmp_path: Path, call: Command, init: Callable):
    """It starts at the first frame with a region, and after a failure at the next one."""
    for place, row in enumerate(NO_REGIONS):
        rows = [row, row, BOX, BOX, row, *[BOX] * 3, row, row, row, row, *[BOX] * 4]
        sequence(tmp_path / "data", f"car{place}", len(rows), "".join(f"{each}\n" for each in rows))
    result = init("--experiments", "baseline", "--repetitions", 1)
    assert result.code == 0, result.text
    for place, reason in enumerate(NO_REGIONS.values()):
        truth = f"car{place}/groundtruth.txt, lines 1-2, 5, 9-12"
        assert f"{truth}: no region: {reason}" in result.text
        assert f"car{place} starts at frame 3 of 16" in result.text
    space = tmp_path / "space"
    registry = ["--registry", tmp_path / "jitter.ini"]
    result = call("evaluate", tmp_path / "data", "--tracker", "Jitter", *registry, "--workspace", space)
    assert result.code == 0, result.text
    # The toolkit takes a frame without a region for a failure: in frame 5, the third one of the
    # run, too. Five frames later is frame 10, which has no region either; the next one with a
    # region is frame 13.
    opened = workspace.load(space)
    (experiment,) = opened.stack
    for each in opened.dataset:
        found = Trajectory.read(experiment.results(opened.registry["Jitter"], each), f"{each.name}_001").regions()
        codes = [region.code if isinstance(region, Special) else None for region in found]
        assert codes[:3] == [1, None, 2] and codes[3:10] == [0] * 7 and codes[10:] == [1, None, None, None], each.name
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


def test_a_report_on_frames_without_a_region(tmp_path: Path, call: Command):
    """Each of these sequences has a failure there, and a strip of pictures of it."""
    for place, row in enumerate(["nan,nan,nan,nan", "0", "0,0,0,0", "m0,0,0,0,0"]):
        rows = [*[BOX] * 4, row, row, *[BOX] * 6]
        sequence(tmp_path / "data", f"car{place}", len(rows), "".join(f"{each}\n" for each in rows))
    space, registry = tmp_path / "space", ["--registry", jitter_registry(tmp_path)]
    result = call("evaluate", tmp_path / "data", "--tracker", "Jitter", *registry, "--workspace", space)
    assert result.code == 0, result.text
    result = call("report", tmp_path / "space")
    assert result.code == 0, result.text
    assert (tmp_path / "space" / "report" / "report.html").read_text().count("data:image/jpeg") == 4
    assert call("render", tmp_path / "space", "--tracker", "Jitter").code == 0


def test_what_a_file_holds_does_not_reach_the_terminal(tmp_path: Path, call: Command):
    sequence(tmp_path / "data", truth="\x1b[2J\x07evil\n" * 6)
    result = call("check", tmp_path / "data")
    assert result.code == 1 and "\x1b" not in result.text
    assert "line 1: '\\x1b[2J\\x07evil' holds" in result.text and "3 more lines cannot be read" in result.text


def test_no_region_at_all(tmp_path: Path, init: Callable[..., Command]):
    sequence(tmp_path / "data", truth="nan,nan,nan,nan\n" * 6)
    result = init()
    assert result.code == 1 and "groundtruth.txt: no frame has a region to start from" in result.text


def test_otb_counts_from_1_by_the_name_of_the_file(tmp_path: Path, init: Callable[..., Command]):
    for name, file in (("rect", "groundtruth_rect.txt"), ("plain", "groundtruth.txt")):
        frames(tmp_path / "data" / name, [f"{number:04d}.jpg" for number in range(1, 4)])
        (tmp_path / "data" / name / file).write_text(f"{BOX}\n" * 3)
    assert init("--format", "images").code == 0
    found = {each.name: each.groundtruth(0) for each in workspace.load(tmp_path / "space").dataset}
    assert (found["rect"].x, found["rect"].y, found["rect"].width) == (19, 15, 24)
    assert (found["plain"].x, found["plain"].y, found["plain"].width) == (20, 16, 24)
