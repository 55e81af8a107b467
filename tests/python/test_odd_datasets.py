"""Datasets as people have them: lists, names, layouts, and sequences that cannot be used."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import PROJECT, jitter_registry
from odd_datasets import BOX, Command, frames, loaded, sequence
from vot.region import Special

from attrax_vot.run import workspace


@pytest.mark.parametrize("entry", ["..", "../outside", "/", "{data}/car", ".", "car/../../outside"])
def test_a_list_that_leaves_the_dataset(entry: str, tmp_path: Path, init: Callable[..., Command]):
    sequence(tmp_path / "data")
    sequence(tmp_path, "outside")
    entry = entry.format(data=tmp_path / "data")
    (tmp_path / "data" / "list.txt").write_text(f"car\n{entry}\n")
    result = init("--skip-damaged")
    assert result.code == 0 and f"list.txt: '{entry}' is outside the dataset" in result.text
    assert list(loaded(tmp_path / "space")) == ["car"]
    assert sorted(path.name for path in (tmp_path / "space" / "sequences").iterdir()) == ["car", "list.txt"]


LISTS = {
    "latin-1": ("v\xe9lo\ncar\n".encode("latin-1"), ["v\xe9lo", "car"]),
    "byte order mark": (b"\xef\xbb\xbfcar\r\nv\xc3\xa9lo\r\n", ["car", "v\xe9lo"]),
    "twice": (b"car\ncar\n", ["car"]),
    "blank lines": (b"\n car \n\n", ["car"]),
}


@pytest.mark.parametrize("kind", LISTS)
def test_lists_in_any_form(kind: str, tmp_path: Path, init: Callable[..., Command]):
    data, names = LISTS[kind]
    for name in names:
        sequence(tmp_path / "data", name)
    (tmp_path / "data" / "list.txt").write_bytes(data)
    result = init()
    assert result.code == 0, result.text
    assert list(loaded(tmp_path / "space")) == names


def test_names_of_sequences(tmp_path: Path, call: Command, init: Callable[..., Command]):
    names = {"100% [x]*": "100_ _x__", "-dash": "-dash", "two words": "two words", "line\nbreak": "line_break"}
    for name in (*names, " blank "):
        sequence(tmp_path / "data", name)
    result = init("--experiments", "baseline", "--repetitions", 1)
    assert result.code == 0 and result.text.count("is called") == 3, result.text
    assert set(loaded(tmp_path / "space")) == {*names.values(), "_blank_"}
    space = tmp_path / "space"
    registry = ["--registry", tmp_path / "jitter.ini"]
    result = call("evaluate", tmp_path / "data", "--tracker", "Jitter", *registry, "--workspace", space)
    assert result.code == 0, result.text


def test_names_that_are_no_text(tmp_path: Path):
    """Names in an old encoding, of a sequence and of its frames; and a terminal without accents."""
    folder = sequence(tmp_path / "data", os.fsdecode(b"caf\xe9"))
    shutil.rmtree(folder / "color")
    frames(folder / "color", [os.fsdecode(b"\xe9 %d.jpg" % number) for number in range(1, 7)])
    environment = os.environ | {"PYTHONPATH": str(PROJECT / "evaluation"), "PYTHONIOENCODING": "ascii"}
    common = ["--dataset", tmp_path / "data", "--registry", jitter_registry(tmp_path)]
    program = [sys.executable, "-m", "attrax_vot", "init", tmp_path / "space", *common]
    ended = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "caf\\udce9 is called caf_ in the workspace" in ended.stdout
    assert loaded(tmp_path / "space") == {"caf_": [1, 2, 3, 4, 5, 6]}


def test_one_damaged_sequence_does_not_stop_the_others(tmp_path: Path, call: Command, init: Callable[..., Command]):
    for number in range(5):
        sequence(tmp_path / "data", f"s{number}")
    (tmp_path / "data" / "s1" / "groundtruth.txt").write_text("rubbish\n" * 6)
    frame = tmp_path / "data" / "s3" / "color" / "00000004.jpg"
    frame.write_bytes(frame.read_bytes()[:400])
    result = call("check", tmp_path / "data")
    assert result.code == 1 and "5 sequences, 2 odd, 2 of them damaged" in result.text
    assert "s1/groundtruth.txt, line 1: 'rubbish'" in result.text and "00000004.jpg cannot be read" in result.text
    result = init()
    assert result.code == 1 and "2 of 5 sequences are damaged: s1, s3; mend them" in result.text
    result = init("--skip-damaged")
    assert result.code == 0 and "left out: s1, s3" in result.text
    assert list(loaded(tmp_path / "space")) == ["s0", "s2", "s4"]


def test_values_of_words_and_tags_in_latin_1(tmp_path: Path, init: Callable[..., Command]):
    folder = sequence(tmp_path / "data")
    (folder / "anchor.value").write_text("1\nnone\n0\n")
    (folder / "speed.value").write_text("1\n2\n" * 10)
    (folder / "occlusion.tag").write_bytes(b"1\nn\xe3o\n1\n")
    result = init()
    assert result.code == 0
    assert "anchor.value, line 2: 'none' is not a number; the file is left out" in result.text
    assert "speed.value has 20 values for 6 frames" in result.text
    (each,) = workspace.load(tmp_path / "space").dataset
    assert [list(each.tags(index)) for index in range(4)] == [["occlusion"], [], ["occlusion"], []]
    assert each.values(1) == {"speed": 2}


def test_several_objects_in_a_stack_of_one(tmp_path: Path, init: Callable[..., Command]):
    folder = sequence(tmp_path / "data")
    (folder / "groundtruth.txt").rename(folder / "groundtruth_left.txt")
    (folder / "groundtruth_right.txt").write_text("1,1,9,9\n" * 4)
    result = init()
    assert (
        result.code == 1
        and "car has 2 objects (left, right); baseline, unsupervised of stack vot2016/rgb" in result.text
    )
    assert "--stack vots2023 or vots2024/main" in result.text
    result = init("--stack", "vots2023")
    assert result.code == 0 and "object right has 4 rows of 6: the others are not annotated" in result.text
    assert set(next(iter(workspace.load(tmp_path / "space").dataset)).objects()) == {"left", "right"}


def test_truth_apart_from_the_frames(tmp_path: Path, init: Callable[..., Command]):
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
        result = init("--format", layout)
        assert result.code == 0, result.text
        (each,) = workspace.load(tmp_path / "space").dataset
        assert each.name == name and len(each) == 3
        first = each.groundtruth(0)
        assert (first.x, first.y, first.width, first.height) == (20, 16, 24, 18)
        assert isinstance(each.groundtruth(1), Special) == (layout != "tnl2k")
    assert loaded(tmp_path / "space")["talk"] == [1, 2, 3]


def test_a_workspace_belongs_to_one_dataset(tmp_path: Path, call: Command, init: Callable[..., Command]):
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
    result = call("init", tmp_path / "space", "--dataset", tmp_path / "other", "--registry", tmp_path / "jitter.ini")
    assert result.code == 1 and "this workspace belongs to another dataset" in result.text
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "sequences").symlink_to(tmp_path / "other")
    result = call("init", tmp_path / "linked", "--dataset", tmp_path / "data", "--registry", tmp_path / "jitter.ini")
    assert result.code == 1 and "sequences is a link" in result.text


def test_sequences_in_the_workspace_itself(tmp_path: Path, call: Command):
    """As the toolkit puts them there; the dataset's address is not asked where something is there already."""
    registry, space = jitter_registry(tmp_path), tmp_path / "space"
    for name in ("good", "odd"):
        sequence(space / "sequences", name)
    (space / "sequences" / "list.txt").write_text("good\nodd\n")
    truth = space / "sequences" / "odd" / "groundtruth.txt"
    truth.write_text(f"{BOX}\n" * 3 + "nan,nan,nan,nan\n" * 3)
    result = call("check", space)
    assert result.code == 1 and "2 sequences, 1 odd, 0 of them damaged" in result.text
    before = truth.read_bytes()
    settings = workspace.Settings(None, registry=registry)
    clips = workspace.read(space, settings)
    assert [bool(clip.errors) for clip in clips] == [False, True]
    assert "where the toolkit would not read it as it is meant" in clips[1].errors[0]
    one_pass = workspace.Settings(None, registry=registry, experiments=("unsupervised",))
    assert not any(clip.errors for clip in workspace.read(space, one_pass))
    assert truth.read_bytes() == before


def test_a_workspace_that_is_a_link_to_itself(tmp_path: Path, call: Command):
    sequence(tmp_path / "data")
    (tmp_path / "space").symlink_to(tmp_path / "space")
    result = call("init", tmp_path / "space", "--dataset", tmp_path / "data", "--registry", jitter_registry(tmp_path))
    assert result.code == 1 and result.text.startswith("error: ")


def test_a_workspace_in_a_folder_that_the_toolkit_cannot_read(tmp_path: Path, call: Command):
    sequence(tmp_path / "data")
    registry = jitter_registry(tmp_path)
    result = call("init", tmp_path / "100%", "--dataset", tmp_path / "data", "--registry", registry)
    assert result.code == 1 and "the toolkit cannot work in a folder with '%' in its path" in result.text


def test_what_has_gone_since_init_is_named(tmp_path: Path, call: Command, init: Callable[..., Command]):
    data, space = tmp_path / "data", tmp_path / "space"
    for name in ("car", "bus"):
        sequence(data, name, 4)
    # Laid out in the workspace, by links to the frames; the other one is a link itself.
    (data / "bus" / "sequence").unlink()
    assert init("--repetitions", "1").code == 0
    commands = (("run", space, "Jitter"), ("render", space, "--tracker", "Jitter"), ("plan", space, "Jitter"))
    commands += (("export", space, "Jitter"), ("calibrate", space, "Jitter"))

    (data / "bus" / "color" / "00000003.jpg").unlink()
    result = call("run", space, "Jitter", "--no-estimate", "--sequences", "bus")
    assert result.code == 1
    assert f"there is no frame {space}/sequences/bus/color/00000003.jpg; bring its files back" in result.text
    # By itself the toolkit would take the frames before for all.
    (data / "car" / "color" / "00000003.jpg").unlink()
    for command in commands:
        assert call(*command).code == 1
        assert f"{space}/sequences/car has 2 frames for 4 rows of ground truth" in call(*command).text
    (data / "car" / "color" / "00000001.jpg").unlink()
    assert f"{space}/sequences/car: Empty sequence" in call("run", space, "Jitter").text
    data.rename(tmp_path / "moved")
    assert f"{space}/sequences/car leads to {data}/car, which is not there" in call("run", space, "Jitter").text
    assert not list((space / "results").rglob("*.bin"))
