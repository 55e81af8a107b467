"""Local response normalisation, whose parameters differ between the sources of VGG-M's weights."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from attrax_vot.weights.errors import WeightsError, one_line

#: The keys of the metadata, in the order of `Lrn`.
KEYS = ("lrn.size", "lrn.kappa", "lrn.alpha", "lrn.beta")
#: More channels than any layer has.
LARGEST_SIZE = 4096


class Lrn(NamedTuple):
    """x / (kappa + alpha * sum of squares)^beta over `size` neighbouring channels.

    `alpha` is *not* divided by `size`, unlike PyTorch's.
    """

    size: int
    kappa: float
    alpha: float
    beta: float

    @classmethod
    def of(cls, size: float, kappa: float, alpha: float, beta: float) -> "Lrn | None":
        """Numbers of a file as parameters; None where they make no sense."""
        # Files in single precision hold 1e-4 as 9.9999997e-5.
        kappa, alpha, beta = (float(str(np.float32(number))) for number in (kappa, alpha, beta))
        sensible = 1 <= size <= LARGEST_SIZE and float(size).is_integer() and kappa > 0 and alpha >= 0 and beta >= 0
        return cls(int(size), kappa, alpha, beta) if sensible and math.isfinite(kappa + alpha + beta) else None

    def metadata(self) -> dict[str, str]:
        """The parameters as metadata of a file."""
        return {key: f"{number:.9g}" for key, number in zip(KEYS, self, strict=True)}

    def __str__(self) -> str:
        """The parameters in one line."""
        size, kappa, alpha, beta = self.metadata().values()
        return f"response normalisation: size {size}, kappa {kappa}, alpha {alpha}, beta {beta}"


#: What VGG-M was trained with, and what MDNet and DAT use.
VGG_M = Lrn(5, 2.0, 1e-4, 0.75)
#: What py-MDNet's networks were trained with: `LocalResponseNorm(2)`, whose alpha of 1e-4 is
#: divided by the size.
PY_MDNET = Lrn(2, 1.0, 5e-5, 0.75)


def recorded(metadata: dict[str, str], path: Path) -> Lrn:
    """The parameters in a file's metadata; those of VGG-M where there are none.

    Raises:
        WeightsError: where only some are there, or where they make no sense.
    """
    if not any(key in metadata for key in KEYS):
        return VGG_M
    numbers = []
    for key in KEYS:
        text = metadata.get(key, "")
        try:
            numbers.append(float(text))
        except ValueError:
            raise WeightsError(
                path, f"metadata '{key}' is '{one_line(text)}', expected a number, as for each of {', '.join(KEYS)}"
            ) from None
    found = Lrn.of(*numbers)
    if found is None:
        raise WeightsError(
            path,
            f"metadata 'lrn.*' is '{', '.join(map(str, numbers))}', expected a positive integer, a positive number, "
            "and two that are not negative",
        )
    return found
