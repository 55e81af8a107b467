"""VGG-M's convolutions under their canonical names, and a file of weights in memory."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attrax_vot.weights import blocks, lrn
from attrax_vot.weights.errors import WeightsError, available, one_line

Array = NDArray[np.float32]

#: The `architecture` in the metadata of VGG-M's weights, and of those that attrax embeds.
VGG_M, EFFICIENTNET_LITE0 = "vgg-m", "efficientnet-lite0"

#: Names and shapes of VGG-M's convolutions: output, input, height, width for weights.
SHAPES: dict[str, tuple[int, ...]] = {
    "conv1.weight": (96, 3, 7, 7),
    "conv1.bias": (96,),
    "conv2.weight": (256, 96, 5, 5),
    "conv2.bias": (256,),
    "conv3.weight": (512, 256, 3, 3),
    "conv3.bias": (512,),
}


@dataclass
class Weights:
    """Tensors and metadata of a file."""

    #: Where they came from, for messages.
    path: Path
    #: Tensors of floats in single precision, by name.
    tensors: dict[str, Array]
    #: `architecture`, `source`, `license`, ..., where the file says so.
    metadata: dict[str, str] = field(default_factory=dict)
    #: Names of what else the file holds: no floats.
    others: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Whether `attrax --weights` would take them.

        Raises:
            WeightsError: naming the missing, misshapen or non-finite tensor, or the wrong metadata.
        """
        architecture = self.metadata.get("architecture", VGG_M)
        if architecture == EFFICIENTNET_LITE0:
            if blocks.KEY in self.metadata:
                blocks.parse(self.metadata[blocks.KEY], self.path)
            return
        if architecture != VGG_M:
            raise WeightsError(self.path, f"metadata 'architecture' is '{one_line(architecture)}', expected '{VGG_M}'")
        for name, shape in SHAPES.items():
            found = self.tensors.get(name)
            if found is None:
                names = [*self.tensors, *self.others]
                raise WeightsError(self.path, f"tensor '{name}' is missing; {available(names)}")
            if found.shape != shape:
                raise WeightsError(self.path, f"tensor '{name}' has shape {list(found.shape)}, expected {list(shape)}")
            broken = int(np.count_nonzero(~np.isfinite(found)))
            if broken:
                raise WeightsError(self.path, f"tensor '{name}' holds {broken} values that are not finite numbers")
        lrn.recorded(self.metadata, self.path)


def canonical_name(name: str) -> tuple[str, bool] | None:
    """The canonical name of a tensor, and whether it is written as py-MDNet does; None for other tensors.

    `conv1.weight` is what it says; py-MDNet's layers are sequences, so there it is `conv1.0.weight`. Both may stand
    inside other dictionaries or modules.
    """
    parts = name.split(".")
    sequence = len(parts) > 2 and parts[-2] == "0"
    canonical = ".".join(parts[-3::2] if sequence else parts[-2:])
    return (canonical, sequence) if canonical in SHAPES else None


def take(found: Weights, normalisation: lrn.Lrn | None, source: str) -> Weights:
    """VGG-M's convolutions of what a file holds, under their canonical names, with metadata; checked.

    Raises:
        WeightsError: where they are missing, misshapen or not finite, or where two tensors stand for one.
    """
    tensors: dict[str, np.ndarray[Any, Any]] = {}
    origins: dict[str, str] = {}
    py_mdnet = False
    for name, array in found.tensors.items():
        match canonical_name(name):
            case (canonical, sequence):
                if canonical in origins:
                    raise WeightsError(found.path, f"both '{origins[canonical]}' and '{name}' could be {canonical}")
                tensors[canonical], origins[canonical] = array, name
                py_mdnet |= sequence
    others = [name for name in [*found.tensors, *found.others] if name not in origins.values()]
    chosen = normalisation or (lrn.PY_MDNET if py_mdnet else lrn.VGG_M)
    metadata = {"architecture": VGG_M, "source": source, **chosen.metadata()}
    taken = Weights(found.path, tensors, metadata, others)
    taken.check()
    return taken


def statistics(array: Array) -> dict[str, Any]:
    """Minimum, maximum, mean and standard deviation of the finite values, and how many are not finite."""
    finite = array[np.isfinite(array)].astype(np.float64)
    values = finite if finite.size else np.zeros(1)
    return {
        "minimum": values.min(),
        "maximum": values.max(),
        "mean": values.mean(),
        "deviation": values.std(),
        "not finite": array.size - finite.size,
    }
