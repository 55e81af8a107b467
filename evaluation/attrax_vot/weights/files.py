"""From a file of any format to `Weights`, and from there to safetensors."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from attrax_vot.files import write_whole
from attrax_vot.weights import matconvnet
from attrax_vot.weights.errors import WeightsError
from attrax_vot.weights.formats import Format, detect
from attrax_vot.weights.vgg_m import Weights, take

#: What safetensors files call the types of numbers.
TYPES = {"float16": "F16", "float32": "F32", "float64": "F64", "uint8": "U8"}


def read(path: Path) -> Weights:
    """The weights that the tracker would use.

    A safetensors file is taken as it is. From all others VGG-M's three convolutions are taken, under their canonical
    names, with the response normalisation that belongs to them in the metadata.

    Raises:
        WeightsError: where the file is none of weights, is damaged, or lacks something.
    """
    kind = detect(path)
    if kind is Format.SAFETENSORS:
        found = _safetensors(path)
        found.check()
        return found
    found, normalisation = _all(path, kind)
    return take(found, normalisation, f"{path.name} ({kind})")


def inspect(path: Path) -> tuple[Format, Weights]:
    """A file's format, and everything in it under its own names.

    Raises:
        WeightsError: where the file is none of weights, or is damaged.
    """
    kind = detect(path)
    return kind, _safetensors(path) if kind is Format.SAFETENSORS else _all(path, kind)[0]


def write(weights: Weights, path: Path) -> None:
    """Writes the weights as safetensors, in single precision; the file appears whole or not at all."""
    tensors = {name: array.astype(np.float32) for name, array in weights.tensors.items()}
    try:
        write_whole(path, safetensors_bytes(tensors, weights.metadata), into=False)
    except OSError as error:
        raise WeightsError(path, error.strerror or str(error)) from error


def safetensors_bytes(tensors: Mapping[str, np.ndarray[Any, Any]], metadata: dict[str, str]) -> bytes:
    """The tensors as a safetensors file; the library's own writer does not fix the order of the metadata."""
    header: dict[str, dict[str, Any]] = {"__metadata__": dict(sorted(metadata.items()))}
    body = bytearray()
    # Wide elements first and each size a multiple of them keeps every tensor aligned, which some
    # readers require.
    for name, array in sorted(tensors.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])):
        start = len(body)
        body += np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()
        header[name] = {
            "dtype": TYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [start, len(body)],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(body)


def _all(path: Path, kind: Format) -> tuple[Weights, Any]:
    """Everything in a file of another format than safetensors, and the normalisation if known."""
    if kind is Format.MATLAB:
        return matconvnet.read(path)
    # PyTorch is imported only where it is needed: the wheel of the evaluation does not bring it.
    from attrax_vot.weights import torch_file

    return torch_file.read(path, kind), None


def _safetensors(path: Path) -> Weights:
    """Tensors of floats and metadata; tensors of integers and of exotic precisions are left out."""
    from safetensors import SafetensorError, safe_open

    from attrax_vot.weights import torch_file

    tensors, others = {}, []
    try:
        # Through torch, because NumPy has no bfloat16.
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            for name in file.keys():  # noqa: SIM118 - no dictionary
                tensor = file.get_tensor(name)
                if tensor.dtype in torch_file.FLOATS:
                    tensors[name] = tensor.to(torch_file.torch.float32).numpy()
                else:
                    others.append(name)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(path, f"damaged {Format.SAFETENSORS} file: {error}") from error
    return Weights(path, tensors, metadata, others)
