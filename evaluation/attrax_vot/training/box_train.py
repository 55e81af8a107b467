"""`attrax-vot train-boxes`: the box head from videos with boxes."""

import argparse
import hashlib
from dataclasses import dataclass, field

import numpy as np
import torch

from attrax_vot import program
from attrax_vot.files import write_whole
from attrax_vot.training import box_samples, samples
from attrax_vot.training.box_head import BoxHead, loss, overlaps
from attrax_vot.training.box_samples import Mix, Views
from attrax_vot.weights import files
from attrax_vot.weights.embed_efficientnet import METADATA, blocks_of


@dataclass(frozen=True)
class BoxSchedule:
    """What a training does."""

    steps: int = 1500
    boxes: int = 6
    mix: Mix = field(default_factory=Mix)
    rate: float = 1e-3
    decay: float = 1e-3
    seed: int = 0


def run(options: argparse.Namespace) -> int:
    """Trains the box head, and writes it with a record of how it was made; gives the exit status."""
    from tqdm import tqdm

    torch.set_num_threads(options.threads)
    plan = BoxSchedule(steps=options.steps, seed=options.seed)
    tensors, blocks = network(), blocks_of(files.read(program.weights()))
    found = samples.sequences(options.dataset)
    seen = [
        box_samples.views(one, tensors, blocks, plan.boxes, number)
        for number, one in enumerate(tqdm(found, unit="sequence", disable=None))
    ]
    head, losses = train(seen, plan)
    arrays = {f"boxes.{name}": value.half().numpy() for name, value in head.state_dict().items()}
    boxes = hashlib.sha256(b"".join(one.boxes.tobytes() for one in found)).hexdigest()
    frames = sum(len(one.frames) for one in found)
    record = {
        "license": METADATA["license"],
        "training": f"{plan}",
        "training-data": f"{len(found)} sequences, {frames} frames, SHA-256 of the boxes {boxes}",
        "training-loss": f"{np.mean(losses[:20]):.4f} in the first 20 steps, {np.mean(losses[-20:]):.4f} in the last",
    }
    write_whole(options.out, files.safetensors_bytes(arrays, record))
    print(f"{options.out}: loss {record['training-loss']}")
    return 0


def network() -> dict[str, torch.Tensor]:
    """The embedded network, its last blocks as they were trained on videos."""
    source = program.weights()
    start = files.read(source).tensors
    videos = files.read(source.with_name("efficientnet-lite0-videos.safetensors")).tensors
    arrays = start | {name.removeprefix("videos."): array for name, array in videos.items()}
    return {name: torch.from_numpy(array.astype(np.float32)) for name, array in arrays.items()}


def train(found: list[Views], plan: BoxSchedule) -> tuple[BoxHead, list[float]]:
    """The trained head, and the loss of each step."""
    torch.manual_seed(plan.seed)
    random = np.random.default_rng(plan.seed)
    head, losses = BoxHead(), []
    optimiser = torch.optim.AdamW(head.parameters(), plan.rate, weight_decay=plan.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.rate, total_steps=plan.steps, pct_start=0.1)
    for _ in range(plan.steps):
        batch = box_samples.batch(random, found, plan.mix)
        value = loss(head(batch.planes, batch.fine, batch.target), batch.edges, batch.shown)
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(head.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        losses.append(value.item())
    return head.eval(), losses


@torch.no_grad()
def judge(head: BoxHead, views: Views) -> tuple[float, float]:
    """Mean overlap with the target of the boxes around it in later frames, as they are and as the head refines them.

    The head is given the target's box in the first frame.
    """
    later = views.near & ~views.mirrored
    later[: int((views.exact & ~views.mirrored).nonzero()[1])] = False
    boxes, targets, planes = views.boxes[later], views.targets[later], views.planes[later].float()
    found = head(planes, views.fine[later].float(), views.planes[:1].float().expand_as(planes))
    return float(overlaps(boxes, targets).mean()), float(overlaps(found.edges, targets).mean())
