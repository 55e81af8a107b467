"""Weights of every format, as scipy and torch.save write them, damaged ones, and what `attrax-vot weights` says."""

import random
from pathlib import Path

import make_weights
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from attrax_vot.cli import main
from attrax_vot.weights import files, lrn
from attrax_vot.weights.errors import WeightsError
from attrax_vot.weights.formats import Format
from attrax_vot.weights.vgg_m import SHAPES, Weights, canonical_name, statistics, take

TINY = Path(__file__).resolve().parents[1] / "data" / "weights"
#: The files that can be read, and the damage that is done to one of each kind.
GOOD = sorted(path.name for path in TINY.iterdir() if not path.name.startswith(("bfloat16", "protocol4")))
DAMAGED = ["new-plain.mat", "new-compressed.mat", "old-plain.mat", "mdnet-zip.pth", "mdnet-old.pth", "views-old.pth"]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of VGG-M's real shapes, and some with something wrong."""
    folder = tmp_path_factory.mktemp("full")
    make_weights.full(folder)
    return folder


def short(found: Weights) -> dict[str, np.ndarray]:
    """The convolutions under their canonical names."""
    names = {name: name.removeprefix("shared_layers.").replace(".0.", ".") for name in found.tensors}
    return {canonical: found.tensors[name] for name, canonical in names.items() if "conv" in name}


def same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> bool:
    return found.keys() == expected.keys() and all(
        found[name].dtype == np.float32 and np.array_equal(found[name], expected[name]) for name in expected
    )


@pytest.mark.parametrize("name", GOOD)
def test_every_number_arrives_in_its_place(name: str):
    kind, found = files.inspect(TINY / name)
    forms = {"plain.mat": Format.MATLAB, "compressed.mat": Format.MATLAB, "zip.pth": Format.TORCH_ZIP}
    assert kind == forms.get(name.split("-")[1], Format.TORCH_OLD)
    assert same(short(found), make_weights.tensors(make_weights.TINY))


@pytest.mark.parametrize("form", ["zip", "old"])
def test_bfloat16_arrives_to_its_precision(form: str):
    found = files.inspect(TINY / f"bfloat16-{form}.pth")[1].tensors
    assert same(found, {name: np.round(array) for name, array in make_weights.tensors(make_weights.TINY).items()})


def test_inspection_shows_what_reading_passes_over():
    found = files.inspect(TINY / "mdnet-zip.pth")[1]
    assert found.tensors["shared_layers.fc4.0.weight"].shape == (6, 5)
    assert found.others == ["shared_layers.bn.num_batches_tracked"], "integers are no weights"
    assert files.inspect(TINY / "new-plain.mat")[1].metadata["lrn.alpha"] == "0.0001"


@pytest.mark.parametrize(
    ("name", "normalisation"),
    [
        ("vgg-m-plain.mat", lrn.VGG_M),
        ("vgg-m-compressed.mat", lrn.VGG_M),
        ("mdnet-compressed.mat", lrn.VGG_M),
        ("mdnet-zip.pth", lrn.PY_MDNET),
        ("mdnet-old.pth", lrn.PY_MDNET),
        ("plain-zip.pth", lrn.VGG_M),
        ("plain-old.pth", lrn.VGG_M),
    ],
)
def test_real_shapes_are_converted(name: str, normalisation: lrn.Lrn, full: Path, tmp_path: Path, capsys):
    out = tmp_path / "out.safetensors"
    assert main(["weights", "convert", str(full / name), str(out)]) == 0
    assert f"{out}: 6 tensors" in capsys.readouterr().out
    again = files.read(out)
    assert same(again.tensors, make_weights.tensors(make_weights.FULL))
    assert lrn.recorded(again.metadata, out) == normalisation
    assert again.metadata["architecture"] == "vgg-m" and name in again.metadata["source"]
    # The same bytes on every run, and no other file.
    files.write(files.read(full / name), tmp_path / "twice.safetensors")
    assert (tmp_path / "twice.safetensors").read_bytes() == out.read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("extension", ["mat", "pth"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wrong", ["'conv2.weight' has shape [256, 96, 3, 3], expected [256, 96, 5, 5]"]),
        ("missing", ["'conv3.weight' is missing", "conv2"]),
        ("infinite", ["'conv1.weight' holds", "not finite"]),
    ],
)
def test_what_the_tracker_could_not_use_is_refused(name: str, words: list[str], extension: str, full: Path):
    with pytest.raises(WeightsError) as error:
        files.read(full / f"{name}.{extension}")
    assert all(word in str(error.value) for word in [*words, f"{name}.{extension}: "])


def test_names_of_every_source_are_found():
    for name, expected in [
        ("conv1.weight", ("conv1.weight", False)),
        ("shared_layers.conv2.0.bias", ("conv2.bias", True)),
        ("module.layers.conv3.0.weight", ("conv3.weight", True)),
        ("conv1.1.weight", None),
        ("myconv1.weight", None),
        ("conv1.weight.extra", None),
        ("conv4.weight", None),
        ("fc4.0.weight", None),
        ("conv1.running_weight", None),
        ("", None),
    ]:
        assert canonical_name(name) == expected, name
    twice = {name: np.zeros(0, np.float32) for name in ("a.conv1.weight", "b.conv1.0.weight")}
    with pytest.raises(WeightsError, match=r"both 'a\.conv1\.weight' and 'b\.conv1\.0\.weight'"):
        take(Weights(Path("twice"), twice), None, "")


def test_normalisations_that_make_no_sense_are_refused():
    good = lrn.PY_MDNET.metadata()
    assert lrn.recorded(good, Path("w")) == lrn.PY_MDNET
    assert lrn.recorded({}, Path("w")) == lrn.VGG_M
    wrong = [("lrn.size", "2.5"), ("lrn.size", "0"), ("lrn.kappa", "0"), ("lrn.alpha", "-1"), ("lrn.beta", "nan")]
    for key, value in [*wrong, ("lrn.beta", "")]:
        with pytest.raises(WeightsError, match=r"metadata 'lrn\."):
            lrn.recorded(good | {key: value}, Path("w"))


def test_statistics_are_of_finite_values():
    found = statistics(np.array([1, 3, np.nan, 5], np.float32))
    assert (found["minimum"], found["maximum"], found["mean"], found["not finite"]) == (1, 5, 3, 1)


def test_truncations_are_errors_or_lose_nothing(tmp_path: Path):
    path = tmp_path / "cut"
    for name in DAMAGED:
        whole, tensors = (TINY / name).read_bytes(), short(files.inspect(TINY / name)[1])
        for length in range(0, len(whole), 199):
            path.write_bytes(whole[:length])
            try:
                kind, found = files.inspect(path)
            except WeightsError as error:
                assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
            else:
                # A MATLAB file may end after any variable, and after the one that counts nothing is
                # lost.
                assert kind is Format.MATLAB and same(short(found), tensors), f"{name}: {length} bytes pass"


def test_random_damage_is_an_error_or_keeps_the_shapes(tmp_path: Path):
    path, generator, refused = tmp_path / "damaged", random.Random(1), 0
    for name in DAMAGED:
        whole = (TINY / name).read_bytes()
        for _ in range(15):
            path.write_bytes(damaged(whole, generator))
            try:
                files.inspect(path)
            except WeightsError as error:
                refused += 1
                assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
    assert refused > 45


def damaged(whole: bytes, generator: random.Random) -> bytes:
    """What disks and downloads make of a file."""
    at, length = generator.randrange(len(whole)), generator.randrange(64)
    return generator.choice(
        [
            whole[:at],
            whole[:at] + whole[at + length :],
            whole[:at] + bytes(length) + whole[at + length :],
            whole[:at] + whole[at : at + length] + whole[at:],
            whole[:at] + bytes([whole[at] ^ 1 << generator.randrange(8)]) + whole[at + 1 :],
        ]
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"\n<!DOCTYPE html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (b" " * 124 + b"\x00\x02IM", "save it with -v7"),
        (b"a" * 257 + b"ustar\x0000", "tar archive"),
        (b"\x00\x01\x02\x03 no format at all", "neither"),
        # The length of a header that would end after the file.
        (b"\xff\x00\x00\x00\x00\x00\x00\x00{}", "neither"),
    ],
)
def test_other_files_are_recognised_for_what_they_are(content: bytes, words: str, tmp_path: Path):
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=f"not a file of weights: .*{words}"):
        files.read(path)


@pytest.mark.parametrize("name", [".", "/dev/null", "absent"])
def test_what_is_no_file_is_refused(name: str, tmp_path: Path):
    with pytest.raises(WeightsError, match=r"No such file|not a regular file"):
        files.read(tmp_path / name)


def test_pickled_objects_are_never_made(tmp_path: Path):
    for value in (torch.nn.Linear(2, 2), {"a": torch.zeros(2), "b": Path("x")}):
        torch.save(value, tmp_path / "object.pth")
        with pytest.raises(WeightsError, match=r"other than tensors \(.*save the network's state_dict\(\) alone"):
            files.inspect(tmp_path / "object.pth")
    with pytest.raises(WeightsError, match="default protocol"):
        files.inspect(TINY / "protocol4-zip.pth")


def test_a_repeated_tensor_cannot_claim_memory(tmp_path: Path):
    torch.save({"conv1.weight": torch.zeros(1).expand(1 << 40)}, tmp_path / "huge.pth")
    with pytest.raises(WeightsError, match="larger than its storage"):
        files.inspect(tmp_path / "huge.pth")


def test_text_of_a_file_cannot_break_a_message_into_lines(tmp_path: Path):
    path = tmp_path / "odd.safetensors"
    save_file({f"@@TRAX:quit\n{'x' * 1000}": torch.zeros(1)}, path, {"architecture": "vgg-m"})
    with pytest.raises(WeightsError) as error:
        files.read(path)
    assert "\n" not in str(error.value) and len(str(error.value)) < 900


def test_inspect_and_convert_say_what_people_need(full: Path, tmp_path: Path, capsys):
    assert main(["weights", "inspect", str(TINY / "mdnet-zip.pth")]) == 0
    out = capsys.readouterr().out
    assert "PyTorch zip, 7 tensors" in out and "shared_layers.conv1.0.weight  4 x 3 x 2 x 3" in out
    assert "not usable by attrax" in out and "expected [96, 3, 7, 7]" in out
    assert main(["weights", "inspect", str(full / "plain-zip.pth")]) == 0
    assert "usable after attrax-vot weights convert as vgg-m; response normalisation: size 5" in capsys.readouterr().out

    good = tmp_path / "good.safetensors"
    assert main(["weights", "convert", str(full / "plain-zip.pth"), str(good)]) == 0
    for arguments, words in [
        ([TINY / "old-plain.mat", tmp_path / "never"], "conv1.weight"),
        ([tmp_path / "absent.mat", tmp_path / "never"], "No such file"),
        ([good, tmp_path / "." / "good.safetensors"], "both the file to read and the file to write"),
        ([good, tmp_path / "no" / "folder.safetensors"], "No such file or directory"),
    ]:
        assert main(["weights", "convert", *map(str, arguments)]) == 1
        error = capsys.readouterr().err
        assert words in error and error.count("\n") == 1, error
    assert not (tmp_path / "never").exists()


def test_the_network_inside_attrax_is_usable(capsys):
    embedded = TINY.parents[2] / "crates" / "attrax-tracker" / "src" / "weights" / "efficientnet-lite0.safetensors"
    assert main(["weights", "inspect", str(embedded)]) == 0
    assert "usable with attrax --weights as efficientnet-lite0" in capsys.readouterr().out
    assert set(SHAPES).isdisjoint(files.read(embedded).tensors)
