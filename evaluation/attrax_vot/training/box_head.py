"""The box head: from a box's surroundings, and what the target's box held in another frame, to the target's edges."""

import torch
from torch import nn
from torch.nn import functional

#: Side of the head's crop, pixels; cells of a side of the network's planes for it; those of the box in it.
SIDE, CELLS = 160, 10
BOX_CELLS = slice(2, 8)
#: Channels of the planes, brought to a deviation of about 1, and of the head.
PLANES, GAIN, CHANNELS = 112, 0.2, 32
#: Parts of the target's box, along each side, and the weight of a similarity to one of them.
PARTS, SIMILARITY = 3, 4.0


class BoxHead(nn.Module):
    """Edges as the means of distributions over the planes' columns and rows, so that they move as the planes move."""

    def __init__(self, dropout: float = 0.2) -> None:
        """Draws all layers; `dropout` is the share of channels that are left out while it trains."""
        super().__init__()
        self.dropout = dropout
        self.search = nn.Conv2d(PLANES, CHANNELS, 1)
        self.similar = nn.Conv2d(PLANES, CHANNELS, 1)
        self.gate = nn.Linear(PLANES, CHANNELS)
        self.first = nn.Conv2d(2 * CHANNELS + PARTS**2, CHANNELS, 3, padding=1)
        self.second = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.edges = nn.Conv2d(CHANNELS, 4, 1)

    def forward(self, planes: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Left, top, right and bottom edge (N, 4), as shares of the crop's side.

        Args:
            planes: the network's last planes (N, 112, 10, 10) of a box's surroundings.
            target: the same of the target's box in another frame.
        """
        inside = (target * GAIN)[:, :, BOX_CELLS, BOX_CELLS]
        gate = 2 * torch.sigmoid(self.gate(inside.mean((2, 3))))
        parts = functional.normalize(functional.adaptive_avg_pool2d(self.similar(inside), PARTS).flatten(2), dim=1)
        planes = planes * GAIN
        search = functional.relu(self.search(planes))
        places = functional.normalize(self.similar(planes), dim=1)
        similarity = SIMILARITY * torch.einsum("nchw,ncp->nphw", places, parts)
        x = torch.cat([search, search * gate[:, :, None, None], similarity], 1)
        x = functional.relu(self.first(functional.dropout2d(x, self.dropout, self.training)))
        x = functional.dropout2d(x, self.dropout / 2, self.training)
        maps = self.edges(functional.relu(self.second(x)) + x)
        middles = (torch.arange(CELLS, device=x.device) + 0.5) / CELLS
        columns = (maps[:, 0::2].mean(2).softmax(2) * middles).sum(2)
        rows = (maps[:, 1::2].mean(3).softmax(2) * middles).sum(2)
        return torch.stack([columns, rows], 2).flatten(1)


def loss(found: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """One less the generalised overlap (Rezatofighi et al., CVPR 2019), and a smooth distance of the edges."""
    distance = functional.smooth_l1_loss(found, expected, beta=0.05)
    return 1 - generalised_overlaps(found, expected).mean() + 5 * distance


def generalised_overlaps(found: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """Overlaps of boxes given by their edges (N, 4), less the empty share of the smallest box around both."""
    both, union = _overlap(found, expected)
    around = (torch.maximum(found[:, 2:], expected[:, 2:]) - torch.minimum(found[:, :2], expected[:, :2])).prod(1)
    return both / union - (around - union) / around


def overlaps(found: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """Intersection over union of boxes given by their edges (N, 4)."""
    both, union = _overlap(found, expected)
    return both / union


def _overlap(found: torch.Tensor, expected: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    low, high = torch.maximum(found[:, :2], expected[:, :2]), torch.minimum(found[:, 2:], expected[:, 2:])
    both = (high - low).clamp(min=0).prod(1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).clamp(min=1e-6).prod(1) for boxes in (found, expected)]
    return both, areas[0] + areas[1] - both
