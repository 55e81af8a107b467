"""The box head: from a box's surroundings, and what the target's box held in another frame, to the target's edges."""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

#: Side of the head's crop, pixels; cells of a side of the network's last planes for it; those of
#: the box in it.
SIDE, CELLS = 160, 10
BOX_CELLS = slice(2, 8)
#: Channels of the last planes and of the finer ones, brought to a deviation of about 1, and of the
#: head.
PLANES, FINE, GAIN, CHANNELS = 112, 40, 0.2, 32
#: Parts of the target's box, along each side, and the weight of a similarity to one of them.
PARTS, SIMILARITY = 3, 4.0
#: What an edge's error is before training, as a share of the crop's side: exp(-2.3) = 0.1.
FIRST_ERROR = -2.3
#: Weights of the likelihood of the errors and of the overlap that is predicted, next to the edges'
#: own loss.
ERROR_WEIGHT, QUALITY_WEIGHT = 0.1, 0.3


class BoxOutput(NamedTuple):
    """What the head says of crops.

    Attributes:
        edges: left, top, right and bottom edge (N, 4), as shares of the crop's side.
        errors: logarithms of the mean absolute errors that the head expects of them (N, 4), in the same unit.
        quality: (N,), the overlap that it expects of its box with the target, before the logistic function.
    """

    edges: torch.Tensor
    errors: torch.Tensor
    quality: torch.Tensor


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
        self.fine = nn.Conv2d(FINE, CHANNELS, 1)
        self.third = nn.Conv2d(2 * CHANNELS, CHANNELS, 3, padding=1)
        self.edges = nn.Conv2d(CHANNELS, 4, 1)
        self.hidden = nn.Linear(2 * CHANNELS + 8, CHANNELS)
        self.sure = nn.Linear(CHANNELS, 5)
        nn.init.zeros_(self.sure.weight)
        nn.init.zeros_(self.sure.bias)
        nn.init.constant_(self.sure.bias[:4], FIRST_ERROR)

    def forward(self, planes: torch.Tensor, fine: torch.Tensor, target: torch.Tensor) -> BoxOutput:
        """The edges in crops, and how sure they are.

        Args:
            planes: the network's last planes (N, 112, 10, 10) of a box's surroundings.
            fine: its planes of stride 8 (N, 40, 20, 20) of the same.
            target: its last planes of the target's box in another frame.
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
        x = functional.relu(self.second(x)) + x
        coarse = functional.interpolate(x, scale_factor=2, mode="bilinear")
        joined = torch.cat([coarse, functional.relu(self.fine(fine * GAIN))], 1)
        x = functional.relu(self.third(joined)) + coarse
        maps = self.edges(x)
        middles = (torch.arange(2 * CELLS, device=x.device) + 0.5) / (2 * CELLS)
        shares = torch.stack([maps[:, 0::2].mean(2), maps[:, 1::2].mean(3)], 2).flatten(1, 2).softmax(2)
        edges = (shares * middles).sum(2)
        spread = ((shares * middles**2).sum(2) - edges**2).clamp_min(1e-8).sqrt()
        summary = torch.cat([x.mean((2, 3)), x.amax((2, 3)), 5 * spread.detach(), 2 * edges.detach()], 1)
        sure = self.sure(functional.relu(self.hidden(summary)))
        return BoxOutput(edges, sure[:, :4], sure[:, 4])


def loss(found: BoxOutput, expected: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
    """The loss of the edges where the target is shown (N,), of the errors expected of them, and of the quality.

    One less the generalised overlap (Rezatofighi et al., CVPR 2019), and a smooth distance; the negative logarithm of
    the likelihood of Laplace's distribution, whose scale is the expected error; and the cross-entropy of the overlap,
    which is 0 where the target is not shown. The last two change nothing of the edges but by what they share.
    """
    edges, truth, errors = found.edges[shown], expected[shown], found.errors[shown]
    own = 1 - generalised_overlaps(edges, truth).mean() + 5 * functional.smooth_l1_loss(edges, truth, beta=0.05)
    distance = (edges - truth).abs().detach()
    likelihood = (distance * (-errors).exp() + errors).mean()
    overlap = torch.where(shown, overlaps(found.edges.detach(), expected).clamp(0, 1), 0.0)
    quality = functional.binary_cross_entropy_with_logits(found.quality, overlap)
    return own + ERROR_WEIGHT * likelihood + QUALITY_WEIGHT * quality


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
