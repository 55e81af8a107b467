"""State dicts that `torch.save` wrote, read as data: nothing in them is executed."""

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch

from attrax_vot.weights.errors import WeightsError
from attrax_vot.weights.formats import Format
from attrax_vot.weights.vgg_m import Array, Weights

#: Dictionaries within dictionaries; state dicts are two deep.
DEEPEST = 8
#: Numbers in a tensor: VGG-M has 103 million in all.
LARGEST = 1 << 27
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def read(path: Path, kind: Format) -> Weights:
    """Every tensor of floats in a file's dictionaries, by its keys joined with dots.

    Raises:
        WeightsError: where the file is damaged, or holds other objects than tensors.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
        tensors, others = {}, []
        for name, tensor in _walk(state, "", 0):
            if tensor.dtype not in FLOATS or tensor.layout is not torch.strided:
                others.append(name)
                continue
            tensors[name] = _array(name, tensor)
    except UnpicklingError as error:
        raise WeightsError(path, f"damaged {kind} file, or no state dict: {_reason(error)}") from error
    except Exception as error:
        # A damaged file makes the library fail in any way: KeyError, EOFError, RuntimeError, ...
        raise WeightsError(path, f"damaged {kind} file: {_reason(error)}") from error
    return Weights(path, tensors, others=others)


def _array(name: str, tensor: torch.Tensor) -> Array:
    """A tensor's numbers in single precision."""
    # An expanded tensor repeats its elements: a few bytes could claim gigabytes.
    if tensor.numel() > LARGEST or tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise ValueError(f"tensor '{name}' is larger than its storage")
    return tensor.detach().to(torch.float32).contiguous().numpy()


def _walk(value: object, name: str, depth: int) -> Iterator[tuple[str, torch.Tensor]]:
    """Tensors in dictionaries, with their keys joined by dots."""
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        if depth >= DEEPEST:
            raise ValueError("dictionaries too deep for a state dict")
        for key, item in value.items():
            if isinstance(key, str):
                yield from _walk(item, f"{name}.{key}" if name else key, depth + 1)


def _reason(error: Exception) -> str:
    """What the library says, in one clause and without its advice to trust the file."""
    text = str(error).partition("WeightsUnpickler error:")[2].strip() or str(error)
    if "GLOBAL " in text:
        unknown = text.partition("GLOBAL ")[2].split()[0]
        return f"it holds objects other than tensors ({unknown}); save the network's state_dict() alone"
    if text.startswith("Unsupported operand"):
        return "its pickle has instructions that PyTorch's own do not have; save it with torch.save's default protocol"
    return text.partition("\n")[0] or type(error).__name__
