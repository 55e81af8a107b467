"""Networks of MatConvNet and of MDNet's authors, inside MATLAB files.

A network is a cell `layers`, on its own or as a field of a struct `net`, with a struct for each layer: `name`, `type`,
and for a convolution either `weights` (a cell of filters and biases) or, before MatConvNet's beta 9, the fields
`filters` and `biases`. Filters are ordered height, width, input, output and are applied without flipping, to RGB.
"""

import warnings
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import mat_struct

from attrax_vot.weights.errors import WeightsError
from attrax_vot.weights.formats import Format
from attrax_vot.weights.lrn import Lrn
from attrax_vot.weights.vgg_m import Weights


def read(path: Path) -> tuple[Weights, Lrn | None]:
    """Every layer's weights as `<layer>.weight` and `<layer>.bias`, and the normalisation where there is such a layer.

    Raises:
        WeightsError: where the file is damaged, holds no network, or its layers contradict each other.
    """
    # In a process of its own: a damaged file can bring scipy's reader down by a segmentation fault.
    with ProcessPoolExecutor(1, get_context("fork")) as process:
        try:
            return process.submit(_load, path).result()
        except Exception as error:
            # It fails in any way: ValueError, TypeError, zlib.error, MemoryError,
            # BrokenProcessPool, ...
            reason = "scipy cannot read it" if isinstance(error, BrokenExecutor) else str(error) or type(error).__name__
            raise WeightsError(path, f"damaged {Format.MATLAB} file: {reason}") from error


def _load(path: Path) -> tuple[Weights, Lrn | None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _network(path, loadmat(path, struct_as_record=False))


def _network(path: Path, variables: dict[str, Any]) -> tuple[Weights, Lrn | None]:
    layers = variables.get("layers")
    for value in variables.values():
        layers = layers if layers is not None else _field(value, "layers")
    if layers is None:
        raise ValueError("it holds no variable or field 'layers'")
    if not isinstance(layers, np.ndarray) or layers.dtype != object:
        raise ValueError("'layers' is not a cell array, as in MatConvNet's simple networks")
    tensors: dict[str, np.ndarray[Any, Any]] = {}
    normalisation = None
    for layer in layers.flatten(order="F"):
        if _text(layer, "type") in ("normalize", "lrn"):
            found = _normalisation(layer)
            if normalisation not in (None, found):
                raise ValueError("normalisation layers that differ from each other")
            normalisation = found
        elif (pair := _weights(layer)) is not None:
            name = _text(layer, "name") or f"conv{len(tensors) // 2 + 1}"
            filters, biases = pair
            if filters.dtype.kind not in "fiu" or filters.ndim > 4:
                raise ValueError(f"layer '{name}' has filters that are no numbers of four dimensions")
            # MATLAB drops trailing dimensions of size one.
            filters = filters.reshape(filters.shape + (1,) * (4 - filters.ndim))
            tensors[f"{name}.weight"] = np.ascontiguousarray(filters.transpose(3, 2, 0, 1), dtype=np.float32)
            # A row or a column, depending on the version that wrote it.
            if biases.dtype.kind in "fiu":
                tensors[f"{name}.bias"] = biases.astype(np.float32).flatten()
    return Weights(path, tensors, normalisation.metadata() if normalisation else {}), normalisation


def _normalisation(layer: Any) -> Lrn:  # noqa: ANN401 - whatever the file holds
    """The parameters of a normalisation layer, in MatConvNet's order; its alpha, too, is not divided by the size."""
    numbers = _field(layer, "param")
    if numbers is None or numbers.dtype.kind not in "fiu":
        raise ValueError("a normalisation layer without 'param'")
    if numbers.size != 4:
        raise ValueError(f"a normalisation layer with {numbers.size} parameters")
    found = Lrn.of(*(float(number) for number in numbers.flatten()))
    if found is None:
        raise ValueError(f"a normalisation layer with parameters {numbers.flatten().tolist()}")
    return found


def _weights(layer: Any) -> tuple[Any, Any] | None:  # noqa: ANN401
    """Filters and biases of a layer, where it has any."""
    cell = _field(layer, "weights")
    if cell is not None:
        # An empty array instead of a cell in some layers without weights.
        return tuple(cell.flatten()[:2]) if cell.dtype == object and cell.size >= 2 else None
    filters, biases = _field(layer, "filters"), _field(layer, "biases")
    return None if filters is None or biases is None else (filters, biases)


def _field(value: Any, name: str) -> Any:  # noqa: ANN401
    """A field of a struct, which scipy wraps in an array of one element; None where there is none."""
    if isinstance(value, np.ndarray) and value.dtype == object and value.size == 1:
        value = value.item()
    return getattr(value, name, None) if isinstance(value, mat_struct) else None


def _text(layer: Any, name: str) -> str:  # noqa: ANN401
    """A field that is text."""
    value = _field(layer, name)
    return str(value.item()) if value is not None and value.size == 1 and value.dtype.kind == "U" else ""
