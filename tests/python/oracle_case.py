"""One random case of the oracle in which no two positions of a pooling window tie.

  oracle_case.py ORACLE.py OUT.safetensors SEED [--digest]

With --digest, a few numbers of each tensor and no weights: small enough to be kept with the tests, which draw the same
weights again from the seed.

The oracle's own `dump` draws an image of flat squares and boxes that reach beyond it. Within a flat area all positions
of a max-pooling window are equal, and which of them receives the gradient is up to the last bit of the convolution
before: the oracle's own maps change by 20 % when its input is stored channels-last, and by 30 % under noise of 1e-7.
Quantities that no gradient enters are compared on `dump`'s cases too; maps and gradients only here, on an image of
smooth noise and boxes inside it.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file


def load(path: str):
    """The oracle as a module."""
    spec = importlib.util.spec_from_file_location("oracle", Path(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def smooth_noise(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """An RGB image without flat areas."""
    coarse = torch.from_numpy(rng.random((1, 3, height // 8, width // 8)))
    fine = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)[0]
    fine = fine + 0.2 * torch.from_numpy(rng.random((3, height, width)))
    return (fine.clamp(0, 1).permute(1, 2, 0) * 255).numpy().astype(np.uint8)


def digest(case: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The image and the boxes whole, of everything else every n-th number, at most 128 of them, and no weights."""
    kept = {name: case.pop(name) for name in ("image", "boxes")}
    for name in list(case):
        if name.startswith("conv") or name.startswith("fc") or name == "crops":
            continue
        flat = case[name].detach().flatten()
        step = -(-flat.numel() // 128)
        kept[name] = flat[: flat.numel() // step * step : step].clone()
    return kept


def main(oracle_path: str, out: str, seed: int, short: bool) -> None:
    """Writes the case, under the names that the oracle's `dump` uses."""
    oracle = load(oracle_path)
    rng = np.random.default_rng(seed)
    net = oracle.Network(seed)
    image = smooth_noise(rng, 180, 240)
    sides = rng.uniform(40, 80, (8, 2))
    centres = rng.uniform([60, 60], [180, 120], (8, 2))
    boxes = np.concatenate([centres - sides / 2, sides], 1)
    crops = oracle.crop(image, boxes)
    case = {"image": torch.from_numpy(image), "boxes": torch.from_numpy(boxes), "crops": crops} | net.conv | net.fc
    case["features"] = net.features(net.conv1(crops))
    case["scores"] = net.scores(case["features"])
    positives, negatives = crops[:4], crops[4:]
    entropy = oracle.cross_entropy(case["scores"][:4], case["scores"][4:])
    for form in ("paper", "released"):
        for label in (oracle.NEGATIVE, oracle.POSITIVE):
            case[f"attention.{form}.{label}"] = net.attention(crops, label, form)
        for reduction in ("per-sample", "batch"):
            own = net.regularizer(positives, oracle.POSITIVE, form, reduction)
            regularizer = own + net.regularizer(negatives, oracle.NEGATIVE, form, reduction)
            loss = entropy + 5.0 * regularizer
            key = f"{form}.{reduction}"
            case[f"regularizer.{key}"], case[f"loss.{key}"] = regularizer[None], loss[None]
            for prefix, value in (("regularizer_grad", regularizer), ("loss_grad", loss)):
                gradients = torch.autograd.grad(value, list(net.fc.values()), retain_graph=True, allow_unused=True)
                for name, gradient in zip(net.fc, gradients, strict=True):
                    case[f"{prefix}.{key}.{name}"] = torch.zeros_like(net.fc[name]) if gradient is None else gradient
    if short:
        case = digest(case)
    save_file({name: tensor.detach().contiguous() for name, tensor in case.items()}, out)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), "--digest" in sys.argv)
