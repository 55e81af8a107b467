"""One random case of the oracle in which no two positions of a pooling window tie.

  oracle_case.py ORACLE.py OUT.safetensors SEED [--digest]

With --digest, a few numbers of each tensor and no weights: small enough to be kept with the tests, which draw the same
weights again from the seed.

The oracle's own `dump` draws an image of flat squares and boxes that reach beyond it. Within a flat area all positions
of a max-pooling window are equal, and which of them receives the gradient is up to the last bit of the convolution
before: the oracle's own maps change by 20 % when its input is stored channels-last, and by 30 % under noise of 1e-7.
Quantities that no gradient enters are compared on `dump`'s cases too; maps and gradients only here, on an image of
smooth noise and boxes inside it.

A gradient jumps where a rectifier's input crosses zero or two positions of a window exchange the lead. Of three million
such places in eight crops a few are always within single precision of it, and then no single-precision program can be
held to 1e-5. So more boxes are drawn than are needed, and those taken whose crops stay farthest from any jump.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

# Places between the numbers of a digest; tests/attrax/parity/worst.rs knows it too.
STRIDE = 1_000_003
# Boxes that are drawn, and those of them that are taken.
DRAWN, TAKEN = 32, 8


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


def margins(oracle, net, crops: torch.Tensor) -> torch.Tensor:
    """For each crop, how close any rectifier is to zero or any pooling window to a tie, in deviations of its layer."""
    closest = []

    def note(distances: torch.Tensor, layer: torch.Tensor) -> None:
        closest.append((distances / layer.std()).flatten(1).amin(1))

    def rectify(layer: torch.Tensor) -> torch.Tensor:
        note(layer.abs(), layer)
        return layer.relu()

    def pool(layer: torch.Tensor) -> torch.Tensor:
        windows = layer.unfold(2, 3, 2).unfold(3, 3, 2).flatten(4)
        first, second = windows.topk(2, dim=4).values.unbind(4)
        # Where all are zero nothing is passed on, whichever leads.
        note(torch.where(first > 0, first - second, torch.inf), layer)
        return first

    functional, conv, fc = torch.nn.functional, net.conv, net.fc
    x = pool(oracle.lrn(rectify(net.conv1(crops))))
    x = rectify(functional.conv2d(x, conv["conv2.weight"], conv["conv2.bias"], stride=2))
    x = rectify(functional.conv2d(pool(oracle.lrn(x)), conv["conv3.weight"], conv["conv3.bias"])).flatten(1)
    x = rectify(functional.linear(x, fc["fc4.weight"], fc["fc4.bias"]))
    rectify(functional.linear(x, fc["fc5.weight"], fc["fc5.bias"]))
    return torch.stack(closest).amin(0)


def digest(case: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The image and the boxes whole, of everything else 128 numbers at most, and no weights.

    The numbers are a prime number of places apart, and go on from the beginning when they have come to the end: a
    divisor of a tensor's width would take all of them from a few columns, which may be those of silent units.
    """
    kept = {name: case.pop(name) for name in ("image", "boxes")}
    for name in list(case):
        if name.startswith("conv") or name.startswith("fc") or name == "crops":
            continue
        flat = case[name].detach().flatten()
        kept[name] = flat if flat.numel() <= 128 else flat[torch.arange(128) * STRIDE % flat.numel()]
    return kept


def main(oracle_path: str, out: str, seed: int, short: bool) -> None:
    """Writes the case, under the names that the oracle's `dump` uses."""
    oracle = load(oracle_path)
    rng = np.random.default_rng(seed)
    net = oracle.Network(seed)
    image = smooth_noise(rng, 180, 240)
    sides = rng.uniform(40, 80, (DRAWN, 2))
    centres = rng.uniform([60, 60], [180, 120], (DRAWN, 2))
    boxes = np.concatenate([centres - sides / 2, sides], 1)
    with torch.no_grad():
        best = margins(oracle, net, oracle.crop(image, boxes)).topk(TAKEN)
    print(f"seed {seed}: no jump of the gradient within {best.values.min():.1e} deviations", file=sys.stderr)
    boxes = boxes[best.indices.numpy()]
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
