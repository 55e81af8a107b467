"""`attrax-vot train`: the features and fc4, fc5 from videos with boxes."""

import argparse
import hashlib

import numpy as np
import torch

from attrax_vot import program
from attrax_vot.files import write_whole
from attrax_vot.training import samples
from attrax_vot.training.train import Schedule, Training
from attrax_vot.weights import files
from attrax_vot.weights.embed_efficientnet import METADATA, blocks_of


def run(options: argparse.Namespace) -> int:
    """Trains, and writes weights with a record of how they were made; gives the exit status."""
    from tqdm import tqdm

    torch.set_num_threads(options.threads)
    start = files.read(options.weights or program.weights())
    tensors = {name: torch.from_numpy(array.astype(np.float32)) for name, array in start.tensors.items()}
    tensors = {name: value for name, value in tensors.items() if not name.startswith("videos.")}
    blocks = blocks_of(start)
    found = samples.sequences(options.dataset)
    plan = Schedule(cycles=options.cycles, first_block=options.first_block, seed=options.seed, changed=options.changed)
    training = Training(tensors, blocks, found, plan, options.device)
    with tqdm(total=plan.cycles, unit="cycle", disable=None) as bar:

        def progress(losses: list[float]) -> None:
            bar.update(len(losses) - bar.n)
            bar.set_postfix_str(f"loss {losses[-1]:.3f}" if losses else "")
            if bar.disable and losses:
                print(f"cycle {len(losses)} of {plan.cycles}: loss {losses[-1]:.4f}", flush=True)

        network, losses = training.run(options.out.with_suffix(".checkpoint"), progress), training.losses
    trained = [(name, getattr(network, name)) for name in ("fc4", "fc5")]
    layers = {f"{name}.{part}": value for name, layer in trained for part, value in layer.named_parameters()}
    convolutions = {
        name: torch.lerp(tensors[name], value.cpu(), options.blend) for name, value in network.trained().items()
    }
    arrays = {f"videos.{name}": value.detach().cpu().half().numpy() for name, value in (convolutions | layers).items()}
    boxes = hashlib.sha256(b"".join(one.boxes.tobytes() for one in found)).hexdigest()
    frames = sum(len(one.frames) for one in found)
    record = {
        "training": f"{plan}",
        "training-data": f"{len(found)} sequences, {frames} frames, SHA-256 of the boxes {boxes}",
        "training-blend": f"convolutions {options.blend:g} of the way from where they began to where they ended",
        "training-loss": f"{losses[0]:.4f} in the first cycle, {losses[-1]:.4f} in the last",
        "modifications": f"{METADATA['modifications']}; "
        f"blocks {plan.first_block} to {len(blocks) - 1}, fc4 and fc5 trained on videos",
    }
    given = {} if options.alone else {name: array for name, array in start.tensors.items() if name in tensors}
    write_whole(options.out, files.safetensors_bytes(arrays | given, start.metadata | record))
    print(f"{options.out}: loss {losses[0]:.3f} in the first cycle, {losses[-1]:.3f} in the last")
    if not options.alone:
        print(f"next: attrax track ... --weights {options.out} --set features=videos")
    return 0
