"""The training: one sequence after the other, hard negative samples, a checkpoint to go on from."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from attrax_vot.errors import EvaluationError
from attrax_vot.files import replacing
from attrax_vot.training import samples
from attrax_vot.training.network import Domains
from attrax_vot.training.samples import Sequence
from attrax_vot.weights.blocks import Block


@dataclass(frozen=True)
class Schedule:
    """What a training does; a checkpoint of another plan is refused.

    The rates are Adam's for the convolutions, for fc4 and fc5, and for fc6; a fifth of them in the last third.
    `changed` is the probability of each change of a crop (`changes.changed`).
    """

    cycles: int = 18
    first_block: int = 5
    frames: int = 8
    positives: int = 4
    negatives: int = 8
    hard: int = 32
    rates: tuple[float, float, float] = (3e-5, 3e-4, 1e-3)
    seed: int = 0
    changed: float = field(default=0.0, repr=False)

    def __str__(self) -> str:
        """All of it; without `changed` where there is none, as in the embedded weights."""
        return repr(self) + (f" with changed={self.changed:g}" if self.changed else "")


class Training:
    """The network for some sequences on its way, on a device of PyTorch's."""

    def __init__(
        self,
        tensors: dict[str, torch.Tensor],
        blocks: tuple[Block, ...],
        found: list[Sequence],
        plan: Schedule,
        device: str,
    ) -> None:
        """Begins with the convolutions of blocks; the sequences are the network's domains."""
        torch.manual_seed(plan.seed)
        self.origin = {"plan": str(plan), "data": _of_data(found), "start": _of_tensors(tensors)}
        self.found, self.plan, self.device = found, plan, device
        tensors = {name: value.to(device) for name, value in tensors.items()}
        self.network = Domains(tensors, blocks, plan.first_block, len(found)).to(device)
        parts = (self.network.free, nn.ModuleList([self.network.fc4, self.network.fc5]), self.network.fc6)
        groups = [{"params": list(part.parameters()), "lr": 0.0} for part in parts]
        self.optimiser = torch.optim.Adam(groups)
        self.losses: list[float] = []

    def run(self, checkpoint: Path, progress: Callable[[list[float]], None]) -> Domains:
        """Trains to the end of the plan, from the checkpoint on; `losses` has the mean of each cycle.

        Each cycle takes every sequence once, in random order: `frames` of its frames, the samples of each, and of the
        negative ones those `hard` that score highest.

        Raises:
            EvaluationError: the checkpoint has another plan, other videos or another start.
        """
        if checkpoint.exists():
            self._load(checkpoint)
        plan = self.plan
        for cycle in range(len(self.losses), plan.cycles):
            progress(self.losses)
            random = np.random.default_rng([plan.seed, cycle])
            for group, rate in zip(self.optimiser.param_groups, plan.rates, strict=True):
                group["lr"] = rate * (1.0 if cycle < 2 * plan.cycles // 3 else 0.2)
            order = random.permutation(len(self.found))
            self.losses.append(float(np.mean([self._step(random, domain) for domain in order])))
            self._save(checkpoint)
        progress(self.losses)
        return self.network.eval()

    def _load(self, checkpoint: Path) -> None:
        state = torch.load(checkpoint, map_location=self.device, weights_only=True)
        for key, words in (
            ("plan", "other options"),
            ("data", "other videos"),
            ("start", "other weights to start from"),
        ):
            if state.get(key) != self.origin[key]:
                raise EvaluationError(f"{checkpoint} is of another training, with {words}; remove it, or give the same")
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"].cpu())
        self.losses = state["losses"]

    def _save(self, checkpoint: Path) -> None:
        state = {**self.origin, "losses": self.losses, "random": torch.get_rng_state()}
        state |= {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}
        with replacing(checkpoint) as part:
            torch.save(state, part)

    def _step(self, random: np.random.Generator, domain: int) -> float:
        """One step on one sequence; gives its loss."""
        network, plan = self.network, self.plan
        parts = samples.batch(random, self.found[domain], plan.frames, (plan.positives, plan.negatives), plan.changed)
        positive, negative = (network.front(part.to(self.device)) for part in parts)
        network.eval()
        with torch.no_grad():
            scores = network.scores(network.rear(negative), domain)
            hardest = (scores[:, 1] - scores[:, 0]).topk(min(plan.hard, len(negative))).indices
        network.train()
        scores = network.scores(network.rear(torch.cat([positive, negative[hardest]])), domain)
        classes = torch.ones(len(scores), dtype=torch.long, device=self.device)
        classes[len(positive) :] = 0
        loss = functional.cross_entropy(scores, classes)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        self.optimiser.step()
        return loss.item()


def _of_data(found: list[Sequence]) -> str:
    """A checksum of videos: their names, boxes, and the names and sizes of their frames."""
    digest = hashlib.sha256()
    for one in found:
        frames = [(frame.name, frame.stat().st_size) for frame in one.frames]
        digest.update(f"{one.name} {frames}".encode() + one.boxes.tobytes())
    return digest.hexdigest()


def _of_tensors(tensors: dict[str, torch.Tensor]) -> str:
    """A checksum of weights."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].detach().cpu().numpy().tobytes())
    return digest.hexdigest()
