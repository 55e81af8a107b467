"""The shapes of EfficientNet's blocks, from the metadata of a file of weights.

`blocks_args` has the notation of EfficientNet's own code: `r2_k3_s2_e6_o24` stands for two blocks with a kernel of
3 x 3, of which the first has a stride of 2, with 6 times as many channels in the middle and 24 at the output. Such
groups are separated by spaces. Metadata without it belongs to the embedded network's blocks. `backbone/shapes.rs` of
the tracker reads the same.
"""

import re
from pathlib import Path
from typing import NamedTuple

from attrax_vot.weights.errors import WeightsError, one_line

#: Key of the metadata.
KEY = "blocks_args"
#: Channels of the stem's output, the first block's input.
STEM = 32
#: Product of the blocks' strides, and most blocks.
STRIDE, MOST = 8, 64
GROUP = re.compile(r"r([1-9]|1[0-6])_k([1357])_s([12])_e([1-9]|1[0-6])_o([1-9]\d{0,3})", re.ASCII)


class Block(NamedTuple):
    """One inverted-residual block."""

    inputs: int
    outputs: int
    kernel: int
    stride: int
    expansion: int

    @property
    def skip(self) -> bool:
        """Whether the block's input is added to its output."""
        return self.stride == 1 and self.inputs == self.outputs


def parse(text: str, path: Path) -> tuple[Block, ...]:
    """The blocks that `blocks_args` of a file of weights stands for, in order.

    Raises:
        WeightsError: the text breaks the notation, or the features would not be 16 pixels apart.
    """
    blocks: list[Block] = []
    product = 1
    for group in text.split():
        if not (found := GROUP.fullmatch(group)):
            problem = f"has '{one_line(group)}' where r2_k3_s2_e6_o24 is expected"
            raise WeightsError(path, f"metadata '{KEY}' {problem}")
        repeats, kernel, stride, expansion, outputs = map(int, found.groups())
        for repeat in range(repeats):
            inputs = blocks[-1].outputs if blocks else STEM
            blocks.append(Block(inputs, outputs, kernel, stride if repeat == 0 else 1, expansion))
        product *= stride
    if not 1 <= len(blocks) <= MOST:
        raise WeightsError(path, f"metadata '{KEY}' has {len(blocks)} blocks, not 1 to {MOST}")
    if product != STRIDE:
        raise WeightsError(path, f"metadata '{KEY}' has strides whose product is not {STRIDE}")
    return tuple(blocks)
