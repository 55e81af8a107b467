"""Datasets in other benchmarks' layouts, and the measures that their authors define."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import jitter_registry

from attrax_vot.analysis import one_pass
from attrax_vot.cli import main
from attrax_vot.datasets import layouts, otb
from attrax_vot.run import workspace


def frames(folder: Path, names: list[str]) -> None:
    """Small pictures, each of its own grey."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(names):
        cv2.imwrite(str(folder / name), np.full((40, 60, 3), index % 250, np.uint8))


def numbered(first: int, last: int, digits: int = 4) -> list[str]:
    return [f"{number:0{digits}d}.jpg" for number in range(first, last + 1)]


def boxes(count: int, separator: str = ",") -> str:
    return "".join(separator.join(str(value) for value in (index + 1, 2, 10, 8)) + "\n" for index in range(count))


@pytest.fixture
def oddities(tmp_path: Path) -> Path:
    """Folders as OTB has them, with what is odd about each."""
    root = tmp_path / "OTB"
    frames(root / "Jogging" / "img", numbered(1, 4))
    for target in (1, 2):
        (root / "Jogging" / f"groundtruth_rect.{target}.txt").write_text(boxes(4, "\t"))
    frames(root / "Human4" / "img", numbered(1, 4))
    (root / "Human4" / "groundtruth_rect.1.txt").write_text("")
    (root / "Human4" / "groundtruth_rect.2.txt").write_text(boxes(4))
    frames(root / "David" / "img", numbered(298, 771))
    (root / "David" / "groundtruth_rect.txt").write_text(boxes(471))
    frames(root / "Football1" / "img", numbered(1, 80))
    (root / "Football1" / "groundtruth_rect.txt").write_text(boxes(74))
    frames(root / "BlurCar1" / "img", numbered(247, 988))
    (root / "BlurCar1" / "groundtruth_rect.txt").write_text(boxes(742, " "))
    frames(root / "Board" / "img", numbered(1, 12, 5))
    (root / "Board" / "groundtruth_rect.txt").write_text(boxes(12))
    frames(root / "Tiger1" / "img", numbered(1, 12))
    (root / "Tiger1" / "groundtruth_rect.txt").write_text(boxes(12))
    return root


def test_otbs_oddities(oddities: Path):
    found = {clip.name: clip for clip in layouts.find("otb", oddities)}
    names = ["BlurCar1", "Board", "David", "Football1", "Human4-2", "Jogging-1", "Jogging-2", "Tiger1"]
    assert list(found) == names
    assert [len(found[name].frames) for name in names] == [742, 12, 471, 74, 4, 4, 4, 7]
    assert (found["David"].frames[0].name, found["David"].frames[-1].name) == ("0300.jpg", "0770.jpg")
    assert found["BlurCar1"].frames[0].name == "0247.jpg"
    # Five frames are left out, with their boxes; MATLAB counts from 1.
    assert found["Tiger1"].frames[0].name == "0006.jpg"
    assert found["Tiger1"].regions[0] == (5, 1, 10, 8)
    assert all(found[name].regions[0] == (0, 1, 10, 8) for name in names[:-1])


def test_names_of_otb_2013():
    assert len(set(otb.OTB2013)) == 51


def test_got10k_lasot_and_images(tmp_path: Path):
    clip = tmp_path / "got" / "GOT-10k_Val_000001"
    frames(clip, numbered(1, 5, 8))
    (clip / "groundtruth.txt").write_text(boxes(5))
    (clip / "absence.label").write_text("0\n0\n1\n0\n0\n")
    (found,) = layouts.find("got10k", tmp_path / "got")
    assert [region is None for region in found.regions] == [False, False, True, False, False]

    clip = tmp_path / "lasot" / "cat" / "cat-1"
    frames(clip / "img", numbered(1, 4, 8))
    (clip / "groundtruth.txt").write_text(boxes(4))
    (clip / "full_occlusion.txt").write_text("0,1,0,0")
    (clip / "out_of_view.txt").write_text("0,0,0,1")
    (found,) = layouts.find("lasot", tmp_path / "lasot", ["cat-1"])
    assert [region is None for region in found.regions] == [False, True, False, True]

    # The first box alone, and frames in natural order.
    frames(tmp_path / "mine", [f"{number}.png" for number in range(1, 12)])
    (tmp_path / "mine" / "groundtruth.txt").write_text("3,4,10,8\n")
    (found,) = layouts.find("images", tmp_path / "mine")
    assert found.name == "mine" and [frame.stem for frame in found.frames[:3]] == ["1", "2", "3"]
    assert found.regions == [(3, 4, 10, 8)] + [None] * 10


@pytest.mark.parametrize(
    ("layout", "text", "words"),
    [
        ("otb", boxes(3), "has 3 boxes, Walking 4 frames"),
        ("otb", "1,2,three,4\n", "groundtruth_rect.txt, line 1: '1,2,three,4' holds 'three', which is not a number"),
        ("otb", "0,0,0,0\n" * 4, "no frame has a region to start from"),
        ("lasot", boxes(4), "in the layout of lasot: CLASS/CLASS-1"),
        ("uav", boxes(4), "there is no format uav; there are vot, otb, got10k, lasot, tnl2k"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, registry: Path, layout: str, text: str, words: str, capsys: pytest.CaptureFixture[str]
):
    frames(tmp_path / "data" / "Walking" / "img", numbered(1, 4))
    (tmp_path / "data" / "Walking" / "groundtruth_rect.txt").write_text(text)
    common = ["--dataset", str(tmp_path / "data"), "--format", layout, "--registry", str(registry)]
    assert main(["init", str(tmp_path / "space"), *common]) == 1
    assert words in capsys.readouterr().err


def test_from_a_folder_to_the_table(oddities: Path, tmp_path: Path):
    """The toolkit tracks and measures a sequence that begins in the middle of its video."""
    registry, space = jitter_registry(tmp_path), tmp_path / "space"
    common = ["--format", "otb", "--registry", str(registry), "--sequences", "Tiger1,Jogging-2"]
    assert main(["init", str(space), "--dataset", str(oddities), *common]) == 0
    opened = {sequence.name: sequence for sequence in workspace.load(space).dataset}
    assert opened["Tiger1"].groundtruth(0).bounds()[:2] == (5, 1)
    assert Path(opened["Tiger1"].frame(0).filename()).resolve().name == "0006.jpg"
    assert main(["run", str(space), "Jitter", "--no-estimate"]) == 0
    assert main(["report", str(space)]) == 0
    (row,) = json.loads((space / "report" / "summary.json").read_text())["one_pass"]
    assert [each["name"] for each in row["per_sequence"]] == ["Jogging-2", "Tiger1"]
    assert row["precision"] == 1 and 0 < row["average_overlap"] < 1
    text = (space / "report" / "report.md").read_text()
    # Both are of OTB-2013: the paper's figures are shown too.
    assert "2 of 2" in text and "DP 0.944" in text


def got10k_by_hand(found: np.ndarray, truth: np.ndarray, width: int, height: int) -> list[float]:
    """GOT-10k's overlaps from their definition, a frame at a time."""
    ratios = []
    for one, other in zip(found[1:], truth[1:], strict=True):
        cut = []
        for x, y, w, h in (one, other):
            left, top = min(max(x, 0), width), min(max(y, 0), height)
            cut.append((left, top, min(max(w, 0), width - left), min(max(h, 0), height - top)))
        (x, y, w, h), (tx, ty, tw, th) = cut
        across, down = min(x + w, tx + tw) - max(x, tx), min(y + h, ty + th) - max(y, ty)
        shared = max(across, 0) * max(down, 0)
        union = w * h + tw * th - shared
        ratios.append(shared / union if union else 0.0)
    return ratios


@pytest.mark.parametrize("seed", range(3))
def test_got10ks_overlaps(seed: int):
    rng = np.random.default_rng(seed)
    truth = np.hstack([rng.uniform(-10, 300, (100, 2)), rng.uniform(15, 90, (100, 2))])
    found = truth + rng.normal(0, 12, truth.shape)
    found[:, 2:] = np.abs(found[:, 2:]) + 1
    ours = one_pass.got10k_overlaps(found, truth, (320, 240))
    assert ours == pytest.approx(got10k_by_hand(found, truth, 320, 240), abs=1e-9)


def test_against_the_got10k_toolkit():
    """The same boxes through the toolkit of GOT-10k's authors."""
    metrics = pytest.importorskip("got10k.utils.metrics", reason="skipped: the package got10k is not installed")
    rng = np.random.default_rng(7)
    truth = np.hstack([rng.uniform(0, 300, (100, 2)), rng.uniform(15, 90, (100, 2))])
    found = truth + rng.normal(0, 12, truth.shape)
    found[:, 2:] = np.abs(found[:, 2:]) + 1
    theirs = metrics.rect_iou(found[1:].copy(), truth[1:].copy(), bound=(320, 240))
    assert one_pass.got10k_overlaps(found, truth, (320, 240)) == pytest.approx(theirs, abs=1e-9)
    success, precision = one_pass.plots(found, truth)
    overlap, distance = metrics.rect_iou(found.copy(), truth.copy()), metrics.center_error(found, truth)
    assert success == pytest.approx(np.mean(overlap[:, None] > np.linspace(0, 1, 21), axis=0))
    assert precision == pytest.approx(np.mean(distance[:, None] <= np.arange(51), axis=0))
