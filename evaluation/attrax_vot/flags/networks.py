"""Flags of the commands about networks."""

from pathlib import Path

from attrax_vot.flags import Commands, count, positive, share


def add(commands: Commands) -> None:
    """Adds the commands."""
    _add_weights(commands)
    _add_train(commands)
    _add_train_boxes(commands)


def _add_weights(commands: Commands) -> None:
    """The commands about files of network weights."""
    weights = commands.add_parser("weights", help="convert, inspect or download network weights")
    actions = weights.add_subparsers(dest="action", required=True, metavar="ACTION")
    convert = actions.add_parser("convert", help="turn MatConvNet's, MDNet's or py-MDNet's weights into safetensors")
    convert.add_argument(
        "input", type=Path, metavar="IN", help="a .mat, .pth or .safetensors file, known by its content"
    )
    convert.add_argument("output", type=Path, metavar="OUT", help="the safetensors file; an existing one is replaced")
    inspect = actions.add_parser("inspect", help="list a file's tensors and say whether attrax can use them")
    inspect.add_argument("file", type=Path, help="a .mat, .pth or .safetensors file")
    fetch = actions.add_parser("fetch", help="download weights; a download that broke off goes on where it stopped")
    fetch.add_argument("name", choices=["vgg-m"], help="vgg-m: the network of the paper, from MatConvNet (390 MB)")
    fetch.add_argument("--out", type=Path, metavar="FILE", help="the file to write [imagenet-vgg-m.mat]")
    fetch.add_argument("--url", help="another place of the same file")
    fetch.add_argument(
        "--unverified", action="store_true", help="accept a file whose checksum its authors did not publish"
    )


def _add_train(commands: Commands) -> None:
    """The training of features."""
    train = commands.add_parser("train", help="train the network's last blocks, fc4 and fc5 on videos with boxes")
    train.add_argument("dataset", type=Path, help="a folder of NAME/frames/*.jpg and NAME/groundtruth.txt")
    train.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="the weights; next to it a checkpoint to go on from"
    )
    train.add_argument("--alone", action="store_true", help="write what was trained, without what it began with")
    train.add_argument("--weights", type=Path, metavar="FILE", help="to start from [the embedded ones]")
    train.add_argument("--cycles", type=positive, default=18, metavar="N", help="each takes every sequence once [18]")
    train.add_argument(
        "--first-block", type=int, choices=range(1, 11), default=5, metavar="N", help="the first that is trained [5]"
    )
    train.add_argument(
        "--blend",
        type=share,
        default=0.5,
        metavar="SHARE",
        help="how far the convolutions go from those it began with (0) to those that were trained (1) [0.5]",
    )
    train.add_argument(
        "--changed",
        type=share,
        default=0.0,
        metavar="SHARE",
        help="of crops with other colours, of blurred ones, and of partly hidden ones [0]",
    )
    train.add_argument("--seed", type=count, default=0, metavar="N", help="of every random draw [0]")
    train.add_argument("--device", default="cpu", help="cpu or cuda [cpu]")
    train.add_argument("--threads", type=positive, default=2, metavar="N", help="of the processor [2]")


def _add_train_boxes(commands: Commands) -> None:
    """The training of the box head."""
    train = commands.add_parser("train-boxes", help="train the box head on videos with boxes")
    train.add_argument("dataset", type=Path, help="a folder of NAME/frames/*.jpg and NAME/groundtruth.txt")
    train.add_argument("--out", type=Path, required=True, metavar="FILE", help="the weights of the head")
    train.add_argument("--steps", type=positive, default=1500, metavar="N", help="of the training [1500]")
    train.add_argument("--seed", type=count, default=0, metavar="N", help="of every random draw [0]")
    train.add_argument("--threads", type=positive, default=1, metavar="N", help="of the processor [1]")
