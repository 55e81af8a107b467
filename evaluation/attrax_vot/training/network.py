"""The embedded network, its last blocks free to change, with fc4 and fc5 for all sequences and an fc6 for each."""

import torch
from torch import nn
from torch.nn import functional

from attrax_vot.weights.blocks import Block
from attrax_vot.weights.embed_efficientnet import block, stem

#: Features of a crop, and what brings their norm to about 60.
FEATURES, GAIN = 1008, 0.5
UNITS = 512


class Domains(nn.Module):
    """The network for a number of sequences; the blocks before `first` stay as they are."""

    def __init__(self, tensors: dict[str, torch.Tensor], blocks: tuple[Block, ...], first: int, count: int) -> None:
        """Draws fc4 to fc6 as MDNet does: N(0, 0.01^2), biases of 0.1, 0.1 and 0."""
        super().__init__()
        free = {f"blocks.{i}" for i in range(first, len(blocks))}
        self.blocks, self.first = blocks, first
        self.frozen = {name: value for name, value in tensors.items() if ".".join(name.split(".")[:2]) not in free}
        # Module parameters may have no dot in their names.
        self.free = nn.ParameterDict(
            {
                name.replace(".", "/"): nn.Parameter(value.clone())
                for name, value in tensors.items()
                if name not in self.frozen
            }
        )
        self.fc4, self.fc5 = nn.Linear(FEATURES, UNITS), nn.Linear(UNITS, UNITS)
        self.fc6 = nn.ModuleList(nn.Linear(UNITS, 2) for _ in range(count))
        for layer in (self.fc4, self.fc5, *self.fc6):
            nn.init.normal_(layer.weight, 0.0, 0.01)
            nn.init.constant_(layer.bias, 0.0 if layer.out_features == 2 else 0.1)

    def trained(self) -> dict[str, torch.Tensor]:
        """The convolutions that are trained, by their names in a file of weights."""
        return {name.replace("/", "."): value for name, value in self.free.items()}

    @torch.no_grad()
    def front(self, crops: torch.Tensor) -> torch.Tensor:
        """The blocks that stay as they are: (N, 3, 112, 112) to the first free block's input."""
        tensors = self.frozen
        x = functional.relu6(stem(tensors, crops.contiguous(memory_format=torch.channels_last)))
        for index in range(self.first):
            x = block(tensors, index, self.blocks[index], x)
        return x

    def rear(self, x: torch.Tensor) -> torch.Tensor:
        """The free blocks and the pooling: to features (N, 1008)."""
        tensors = self.trained()
        for index in range(self.first, len(self.blocks)):
            x = block(tensors, index, self.blocks[index], x)
        return functional.avg_pool2d(x, 3, 2).flatten(1) * GAIN

    def scores(self, features: torch.Tensor, domain: int) -> torch.Tensor:
        """Background and target (N, 2); dropout at the input of each layer while it trains."""
        for layer in (self.fc4, self.fc5):
            features = functional.relu(layer(functional.dropout(features, 0.5, self.training)))
        return self.fc6[domain](functional.dropout(features, 0.5, self.training))
