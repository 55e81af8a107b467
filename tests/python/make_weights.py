"""Writes files of weights in the formats that people have, for the Rust tests to read.

  make_weights.py tiny DIRECTORY   small networks, a few kilobytes each; these are kept in tests/data/weights
  make_weights.py full DIRECTORY   VGG-M's real shapes, and files with something wrong

MATLAB files are written by scipy, the others by torch.save. Every number follows from its place (see `values`), so a
reader can be checked without a second file.
"""

import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np

FULL = {"conv1": (96, 3, 7, 7), "conv2": (256, 96, 5, 5), "conv3": (512, 256, 3, 3)}
TINY = {"conv1": (4, 3, 2, 3), "conv2": (3, 4, 3, 2), "conv3": (1, 3, 2, 1)}


def values(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers that half precision holds exactly, by their place in row-major order."""
    index = np.arange(int(np.prod(shape)), dtype=np.int64)
    return (((index * 7 + seed * 131) % 2003 - 1001) / 64).astype(np.float32).reshape(shape)


def tensors(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Weights and biases by canonical name."""
    arrays = {}
    for number, (layer, shape) in enumerate(shapes.items()):
        arrays[f"{layer}.weight"] = values(2 * number, shape)
        arrays[f"{layer}.bias"] = values(2 * number + 1, shape[:1])
    return arrays


def cell(items: list) -> np.ndarray:
    """A MATLAB cell of one row."""
    row = np.empty((1, len(items)), dtype=object)
    for i, item in enumerate(items):
        row[0, i] = item
    return row


def layers(arrays: dict[str, np.ndarray], style: str, extra_conv: tuple[int, ...] | None = None) -> np.ndarray:
    """The `layers` of a MatConvNet network: conv, relu, normalisation and pooling for each convolution."""
    result = []
    names = sorted({name.split(".")[0] for name in arrays})
    for number, name in enumerate(names, 1):
        filters = np.transpose(arrays[f"{name}.weight"], (2, 3, 1, 0))
        biases = arrays[f"{name}.bias"]
        conv = {"type": "conv", "name": name, "stride": np.array([2.0, 2.0]), "pad": 0}
        if style == "old":
            conv |= {"filters": filters, "biases": biases.reshape(1, -1)}
        else:
            conv |= {"weights": cell([filters, biases.reshape(-1, 1)]), "opts": cell([])}
        result += [conv, {"type": "relu", "name": f"relu{number}"}]
        if number < 3:
            kind = "normalize" if style == "old" else "lrn"
            parameters = np.array([5, 2, 1e-4, 0.75], dtype=np.float32)
            result.append({"type": kind, "name": f"norm{number}", "param": parameters})
            result.append({"type": "pool", "name": f"pool{number}", "pool": np.array([3, 3]), "method": "max"})
    if extra_conv is not None:
        filters = np.zeros(extra_conv, dtype=np.float32)
        result.append({"type": "conv", "name": "fc6", "weights": cell([filters, np.zeros((extra_conv[3], 1))])})
        result.append({"type": "softmax", "name": "prob"})
    return cell(result)


def write_matlab(path: Path, arrays: dict[str, np.ndarray], style: str, compress: bool, extra_conv=None) -> None:
    """A network as MatConvNet (`new`, `old`) or MDNet's authors (`mdnet`, inside a struct `net`) write it."""
    from scipy.io import savemat

    network = {"layers": layers(arrays, style, extra_conv)}
    meta = {
        "normalization": {"averageImage": np.zeros((4, 4, 3), dtype=np.float32), "keepAspect": True},
        "classes": {"name": cell(["tench", "goldfish, Carassius auratus"]), "description": cell(["a", "\u00e9"])},
    }
    variables = {"net": network} if style == "mdnet" else {"meta": meta, **network}
    savemat(path, variables, do_compression=compress, long_field_names=True)


def state_dict(arrays: dict[str, np.ndarray], style: str, dtype=None):
    """A state dict as py-MDNet saves it (`mdnet`), or a plain one (`plain`)."""
    import torch

    convolutions = OrderedDict()
    for name, array in arrays.items():
        layer, part = name.split(".")
        tensor = torch.from_numpy(array).to(dtype or torch.float32)
        convolutions[f"{layer}.0.{part}" if style == "mdnet" else name] = tensor
    if style == "plain":
        return dict(convolutions)
    convolutions["fc4.0.weight"] = torch.zeros(6, 5)
    convolutions["bn.num_batches_tracked"] = torch.tensor(3)
    # What Module.state_dict() attaches: an attribute, which pickles as the object's state.
    convolutions._metadata = OrderedDict({"": {"version": 1}})
    return {"shared_layers": convolutions, "epoch": 3, "rate": 1e-4, "note": None}


def views(arrays: dict[str, np.ndarray]):
    """The same tensors as views: transposed, sliced from a common storage, and as parameters."""
    import torch

    common = torch.cat([torch.full((5,), -7.0)] + [torch.from_numpy(array).flatten() for array in arrays.values()])
    state, start = {}, 5
    for number, (name, array) in enumerate(arrays.items()):
        part = common[start : start + array.size].view(array.shape)
        start += array.size
        if number == 0:
            part = part.permute(1, 0, 3, 2).contiguous().permute(1, 0, 3, 2)
        state[name] = torch.nn.Parameter(part) if number == 1 else part
    return state


def tiny(directory: Path) -> None:
    """Small networks in every form."""
    import torch

    arrays = tensors(TINY)
    for style in ("new", "old", "mdnet"):
        for compress in (False, True):
            name = f"{style}-{'compressed' if compress else 'plain'}.mat"
            write_matlab(directory / name, arrays, style, compress)
    for zipped in (True, False):
        form = "zip" if zipped else "old"
        options = {"_use_new_zipfile_serialization": zipped}
        torch.save(state_dict(arrays, "mdnet"), directory / f"mdnet-{form}.pth", **options)
        torch.save(views(arrays), directory / f"views-{form}.pth", **options)
        for kind in ("float64", "float16", "bfloat16"):
            coarse = {name: np.round(array) for name, array in arrays.items()} if kind == "bfloat16" else arrays
            state = state_dict(coarse, "plain", getattr(torch, kind))
            torch.save(state, directory / f"{kind}-{form}.pth", **options)
    torch.save(state_dict(arrays, "plain"), directory / "protocol4-zip.pth", pickle_protocol=4)


def full(directory: Path) -> None:
    """VGG-M's shapes, and files with something wrong."""
    import torch

    arrays = tensors(FULL)
    wrong = arrays | {"conv2.weight": values(2, (256, 96, 3, 3))}
    missing = {name: array for name, array in arrays.items() if not name.startswith("conv3")}
    infinite = arrays | {"conv1.weight": np.where(arrays["conv1.weight"] > 15, np.inf, arrays["conv1.weight"])}
    # A fully connected layer that is large enough to be passed over.
    write_matlab(directory / "vgg-m-plain.mat", arrays, "new", False, (6, 6, 512, 256))
    write_matlab(directory / "vgg-m-compressed.mat", arrays, "old", True)
    write_matlab(directory / "mdnet-compressed.mat", arrays, "mdnet", True)
    for zipped in (True, False):
        form = "zip" if zipped else "old"
        options = {"_use_new_zipfile_serialization": zipped}
        torch.save(state_dict(arrays, "mdnet"), directory / f"mdnet-{form}.pth", **options)
        torch.save(state_dict(arrays, "plain"), directory / f"plain-{form}.pth", **options)
    for name, broken in (("wrong", wrong), ("missing", missing), ("infinite", infinite)):
        broken = {key: array.astype(np.float32) for key, array in broken.items()}
        write_matlab(directory / f"{name}.mat", broken, "new", True)
        torch.save(state_dict(broken, "mdnet"), directory / f"{name}.pth")


if __name__ == "__main__":
    kind, where = sys.argv[1:]
    Path(where).mkdir(parents=True, exist_ok=True)
    {"tiny": tiny, "full": full}[kind](Path(where))
