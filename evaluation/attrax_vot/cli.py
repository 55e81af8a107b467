"""The command line: `attrax-vot`."""

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrax.binary import add_to_path
from attrax_vot import __version__
from attrax_vot.errors import EvaluationError
from attrax_vot.run import processes

EXAMPLES = """examples:
  attrax-vot demo out/demo
  attrax-vot evaluate ../shared/vot2016-dev --tracker DAT --sequences bag,book
  attrax-vot evaluate /data/vot2016 --repetitions 15 --workspace out/vot2016
  attrax-vot render out/vot2016-dev --tracker DAT --out out/pictures
  attrax-vot check /data/OTB100 --format otb
  attrax-vot init out/vot2016 --dataset /data/vot2016
  attrax-vot run out/vot2016 DAT MDNet --jobs 4
  attrax-vot report out/vot2016 --reference ../shared/vot2016-results/DAT
  attrax-vot compare out/arms --dataset ../shared/vot2016-dev --arm one='--preset fast' --arm other='--preset mdnet'
  attrax-vot compare out/windows --dataset ../shared/vot2016-dev --starts 50 --arms evaluation/arms/windows.toml
  attrax-vot ablation out/ablation --dataset ../shared/vot2016-dev --sequences matrix,book --jobs 2
"""


def parser() -> argparse.ArgumentParser:
    """The command line's definition."""
    top = argparse.ArgumentParser(
        prog="attrax-vot",
        description="Runs VOT experiments with the official toolkit and shows what came out.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"attrax-vot {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="render the demo dataset and run the experiment on it")
    demo.add_argument("directory", type=Path, help="where dataset, workspace and summary.json go")
    _add_tracker(demo)

    evaluate = commands.add_parser("evaluate", help="run the experiment on a folder of sequences")
    evaluate.add_argument("dataset", type=Path, help="a folder of sequences, perhaps with a list.txt")
    _add_tracker(evaluate)
    evaluate.add_argument("--workspace", type=Path, help="where results go [out/<name of the dataset>]")
    evaluate.add_argument("--repetitions", type=_positive, default=1, metavar="N", help="of the experiment [1]")
    evaluate.add_argument("--sequences", type=_names, metavar="A,B", help="only these [all]")
    evaluate.add_argument("--stack", default="vot2016/rgb", help="the toolkit's stack [vot2016/rgb]")
    evaluate.add_argument(
        "--experiments", type=_names, default=["baseline"], metavar="A,B", help="of the stack [baseline]"
    )
    evaluate.add_argument(
        "--reference", type=Path, action="append", default=[], metavar="DIR",
        help="published raw results to show beside ours; may be given again",
    )  # fmt: skip

    report = commands.add_parser("report", help="write a page, a table and summary.json about a workspace")
    report.add_argument("workspace", type=Path, help="with results")
    report.add_argument("trackers", nargs="*", metavar="TRACKER", help="only these [all that have results]")
    report.add_argument(
        "--reference", type=Path, action="append", default=[], metavar="DIR",
        help="published raw results to add; may be given again",
    )  # fmt: skip
    report.add_argument(
        "--format", type=_names, default=["html", "markdown"], metavar="A,B",
        help="html, markdown, latex, csv [html,markdown]; summary.json is always written",
    )  # fmt: skip
    report.add_argument("--out", type=Path, help="where it goes [WORKSPACE/report]")

    _add_more(commands)

    render = commands.add_parser("render", help="draw strips of frames with ground truth and boxes")
    render.add_argument("workspace", type=Path, help="with results")
    render.add_argument("--tracker", default="DAT", help="whose results [DAT]")
    render.add_argument("--sequences", type=_names, metavar="A,B", help="only these [all]")
    render.add_argument("--out", type=Path, help="where the pictures go [WORKSPACE/pictures/TRACKER]")

    init = commands.add_parser("init", help="make a workspace of the toolkit with attrax in it")
    init.add_argument("directory", type=Path, help="of the workspace")
    init.add_argument("--stack", default="vot2016/rgb", help="the toolkit's stack [vot2016/rgb]")
    init.add_argument("--dataset", type=Path, help="a folder of sequences [the toolkit downloads the stack's]")
    _add_dataset(init)
    init.add_argument(
        "--experiments", type=_names, metavar="A,B", help="of the stack [all; in another format, the unsupervised one]"
    )
    init.add_argument("--repetitions", type=_positive, metavar="N", help="of the experiment [the stack's]")
    init.add_argument("--registry", type=Path, help="file that registers trackers [the project's trackers.ini]")
    init.add_argument("--skip-damaged", action="store_true", help="leave out sequences that cannot be used")

    check = commands.add_parser("check", help="list everything odd in a dataset; exit status 0 where nothing is")
    check.add_argument("dataset", type=Path, help="a folder of sequences")
    _add_dataset(check)

    _add_run(commands)

    _add_comparisons(commands)
    _add_weights(commands)
    _add_train(commands)

    _add_own(commands)

    verify = commands.add_parser("verify", help="check toolkit, tracker, device and timeouts, and run ten frames")
    _add_tracker(verify)

    dataset = commands.add_parser("dataset", help="render the demo dataset alone")
    dataset.add_argument("directory", type=Path, help="where it goes")
    return top


def _add_dataset(command: argparse.ArgumentParser) -> None:
    """The options that say what of a dataset is read, and how."""
    command.add_argument(
        "--format", default="vot", metavar="NAME",
        help="layout of that folder: vot, otb, got10k, lasot, tnl2k, nfs, nfs240, uav123, trackingnet, images [vot]",
    )  # fmt: skip
    command.add_argument("--sequences", type=_names, metavar="A,B", help="only these [all]")


def _add_own(commands: Any) -> None:  # noqa: ANN401 - argparse keeps its type to itself
    """The command that registers a tracker."""
    own = commands.add_parser("own", help="register a tracker of your own")
    own.add_argument("name", metavar="NAME", help="of the tracker: letters, digits, - and _")
    how = own.add_mutually_exclusive_group(required=True)
    how.add_argument("--python", type=Path, metavar="FILE", help="a Python file that speaks TraX when it is imported")
    how.add_argument("--command", dest="line", metavar="LINE", help="a command that starts a program that speaks TraX")
    own.add_argument("--registry", type=Path, default=Path("trackers.ini"), help="file to add it to [trackers.ini]")


def _add_run(commands: Any) -> None:  # noqa: ANN401 - argparse keeps its type to itself
    """The command that runs trackers in a workspace."""
    run = commands.add_parser("run", help="run trackers in a workspace, several sequences at a time")
    run.add_argument("workspace", type=Path, help="made by init")
    run.add_argument("trackers", nargs="+", metavar="TRACKER", help="names in the registry")
    run.add_argument("--repetitions", type=_positive, metavar="N", help="of the experiment [the workspace's]")
    run.add_argument("--sequences", type=_names, metavar="A,B", help="only these [all]")
    run.add_argument(
        "--experiments", type=_names, metavar="A,B", help="of the workspace [the supervised one; all if there is none]"
    )
    run.add_argument(
        "--no-estimate", dest="estimate", action="store_false", help="start at once, without measuring the trackers"
    )
    _add_engine(run, 1)


def _add_tracker(command: argparse.ArgumentParser) -> None:
    """The options that say which tracker is run."""
    command.add_argument("--tracker", default="DAT", help="its name in the registry [DAT]")
    command.add_argument("--registry", type=Path, help="file that registers trackers [the project's trackers.ini]")


def _add_engine(command: argparse.ArgumentParser, jobs: int) -> None:
    """The options that say where jobs run; so many at a time unless told otherwise."""
    command.add_argument(
        "--jobs", type=_positive, default=jobs, metavar="N", help=f"at a time on this machine [{jobs}]"
    )
    command.add_argument("--threads", type=_positive, metavar="N", help="for each tracker [cores / jobs]")
    slurm = command.add_argument_group("on a cluster")
    slurm.add_argument("--slurm", action="store_true", help="hand the jobs to Slurm")
    slurm.add_argument("--partition", default="", help="of the cluster [its default]")
    slurm.add_argument("--gpus", type=int, default=0, metavar="N", help="for each job [0]")
    slurm.add_argument("--minutes", type=_positive, default=24 * 60, metavar="N", help="for each job [1440]")
    slurm.add_argument("--memory", default="", metavar="8G", help="for each job [the cluster's default]")


def _add_more(commands: Any) -> None:  # noqa: ANN401 - argparse keeps its type to itself
    """The commands before and after a run: its simulation, and its results for other toolkits."""
    _add_plan(commands)
    export = commands.add_parser("export", help="write results in the layout of another toolkit, with their provenance")
    export.add_argument("workspace", type=Path, help="with results")
    export.add_argument("trackers", nargs="+", metavar="TRACKER", help="whose results")
    export.add_argument("--layout", choices=("vot", "got10k"), default="vot", help="vot, got10k [vot]")
    export.add_argument("--out", type=Path, help="where they go, a folder for each tracker [WORKSPACE/export]")
    calibrate = commands.add_parser(
        "calibrate", help="fit how likely a box is right to the confidence that trackers told"
    )
    calibrate.add_argument("workspace", type=Path, help="with results")
    calibrate.add_argument("trackers", nargs="+", metavar="TRACKER", help="whose results, together")


def _add_plan(commands: Any) -> None:  # noqa: ANN401 - argparse keeps its type to itself
    """The command that simulates a run on a cluster."""
    plan = commands.add_parser("plan", help="simulate what is missing of a workspace on a cluster")
    plan.add_argument("workspace", type=Path, help="made by init")
    plan.add_argument("trackers", nargs="+", metavar="TRACKER", help="to be run")
    plan.add_argument("--frame", type=_amount, metavar="S", help="seconds that a frame takes there")
    plan.add_argument("--init", type=_amount, metavar="S", help="seconds that an initialisation takes there")
    plan.add_argument(
        "--like", metavar="TRACKER", help="instead of both: as long as a tracker with results in the workspace took"
    )
    plan.add_argument(
        "--slots", type=_names, default=["1", "8", "64"], metavar="N,M", help="jobs at a time, as many as GPUs [1,8,64]"
    )
    plan.add_argument(
        "--fails-every", type=_amount, metavar="HOURS", help="mean time between a machine's failures [never]"
    )


def _add_comparisons(commands: Any) -> None:  # noqa: ANN401 - argparse keeps its type to itself
    """The commands that compare variants of the tracker."""
    _add_compare(commands)
    _add_ablation(commands)
    _add_curves(commands)


def _add_compare(commands: Any) -> None:  # noqa: ANN401 - argparse keeps its type to itself
    """The command that compares arms."""
    command = commands.add_parser(
        "compare", help="run arms of the tracker, commands with other flags, and compare them"
    )
    command.add_argument("directory", type=Path, help="of the workspace, where compare.csv and compare.md go too")
    command.add_argument(
        "--arm", action="append", default=[], metavar="NAME='FLAGS'",
        help="flags of attrax serve; the first arm is what the others are compared to; may be given again",
    )  # fmt: skip
    command.add_argument(
        "--arms", type=Path, action="append", default=[], metavar="FILE", help="TOML with lines name = 'flags'"
    )
    command.add_argument("--seeds", type=_positive, default=3, metavar="N", help="runs of each arm: seeds 1 to N [3]")
    command.add_argument(
        "--command", dest="tracker_command", default="attrax serve", metavar="LINE",
        help="that the flags are added to [attrax serve]",
    )  # fmt: skip
    windows = command.add_argument_group("short runs without resets, instead of the supervised experiment")
    windows.add_argument(
        "--starts", type=_positive, metavar="N", help="run from every N-th frame of each sequence; --dataset may repeat"
    )
    windows.add_argument(
        "--length", type=_positive, default=60, metavar="N", help="number of frames after the first one [60]"
    )
    _add_study(command, several=True)
    _add_engine(command, 2)


def _add_study(command: argparse.ArgumentParser, several: bool = False) -> None:
    """What is compared on what, perhaps on several datasets."""
    if several:
        command.add_argument(
            "--dataset", type=Path, action="append", default=[], metavar="DIR", help="a folder of sequences"
        )
    else:
        command.add_argument("--dataset", type=Path, metavar="DIR", help="a folder of sequences")
    command.add_argument("--sequences", type=_names, metavar="A,B", help="only these [all]")
    command.add_argument("--render-only", action="store_true", help="report on existing results; run nothing")


def _add_ablation(commands: Any) -> None:  # noqa: ANN401 - argparse keeps its type to itself
    """The command that makes the paper's tables."""
    command = commands.add_parser("ablation", help="run variants of the tracker and tabulate them, as the paper does")
    command.add_argument("directory", type=Path, help="of the workspace, where the tables go too")
    command.add_argument(
        "--seeds", type=_positive, default=2, metavar="N", help="runs of each variant: seeds 1 to N [2]"
    )
    command.add_argument(
        "--variants", type=_names, default=["all"], metavar="A,B",
        help="lambda, attention, form, box, all, or names such as lambda5, weight, paper, bounding [all]",
    )  # fmt: skip
    command.add_argument(
        "--lambdas", type=_names, default=["0", "1", "3", "5", "8"], metavar="A,B", help="steps of lambda [0,1,3,5,8]"
    )
    _add_study(command)
    _add_tracker(command)
    _add_engine(command, 2)


def _add_curves(commands: Any) -> None:  # noqa: ANN401 - argparse keeps its type to itself
    """The command that follows the losses of a training."""
    command = commands.add_parser("curves", help="follow both losses over the training on first frames")
    command.add_argument("directory", type=Path, help="where curves.csv, curves.md and curves.svg go")
    command.add_argument(
        "--arms", type=Path, action="append", default=[], metavar="FILE",
        help="TOML with lines name = 'flags', those of attrax track",
    )  # fmt: skip
    command.add_argument("--arm", action="append", default=[], metavar="NAME='FLAGS'", help="may be given again")
    command.add_argument(
        "--dataset", type=Path, action="append", required=True, metavar="DIR", help="a folder of sequences"
    )
    command.add_argument("--sequences", type=_names, metavar="A,B", help="only these [all]")
    command.add_argument("--jobs", type=_positive, default=1, metavar="N", help="at a time, one thread each [1]")


def _add_train(commands: Any) -> None:  # noqa: ANN401
    """The training of features."""
    train = commands.add_parser("train", help="train the network's last blocks, fc4 and fc5 on videos with boxes")
    train.add_argument("dataset", type=Path, help="a folder of NAME/frames/*.jpg and NAME/groundtruth.txt")
    train.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="the weights; beside it a checkpoint to go on from"
    )
    train.add_argument("--alone", action="store_true", help="write what was trained, without what it began with")
    train.add_argument("--weights", type=Path, metavar="FILE", help="to start from [the embedded ones]")
    train.add_argument("--cycles", type=_positive, default=18, metavar="N", help="each takes every sequence once [18]")
    train.add_argument(
        "--first-block", type=int, choices=range(1, 11), default=5, metavar="N", help="the first that is trained [5]"
    )
    train.add_argument(
        "--blend",
        type=_share,
        default=0.5,
        metavar="SHARE",
        help="how far the convolutions go from those it began with (0) to those that were trained (1) [0.5]",
    )
    train.add_argument("--seed", type=int, default=0, metavar="N", help="of every random draw [0]")
    train.add_argument("--device", default="cpu", help="cpu or cuda [cpu]")
    train.add_argument("--threads", type=_positive, default=2, metavar="N", help="of the processor [2]")


def _add_weights(commands: Any) -> None:  # noqa: ANN401
    """The commands about files of network weights."""
    weights = commands.add_parser("weights", help="convert, inspect or download network weights")
    actions = weights.add_subparsers(dest="action", required=True, metavar="ACTION")
    convert = actions.add_parser("convert", help="turn MatConvNet's, MDNet's or py-MDNet's weights into safetensors")
    convert.add_argument(
        "input", type=Path, metavar="IN", help="a .mat, .pth or .safetensors file, known by its content"
    )
    convert.add_argument("output", type=Path, metavar="OUT", help="the safetensors file; one that is there is replaced")
    inspect = actions.add_parser("inspect", help="list a file's tensors and say whether attrax can use them")
    inspect.add_argument("file", type=Path, help="a .mat, .pth or .safetensors file")
    fetch = actions.add_parser("fetch", help="download weights; a download that broke off goes on where it stopped")
    fetch.add_argument("name", choices=["vgg-m"], help="vgg-m: the network of the paper, from MatConvNet (390 MB)")
    fetch.add_argument("--out", type=Path, metavar="FILE", help="the file to write [imagenet-vgg-m.mat]")
    fetch.add_argument("--url", help="another place of the same file")
    fetch.add_argument(
        "--unverified", action="store_true", help="accept a file whose checksum its authors did not publish"
    )


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no whole number") from None
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no number") from None


def _share(text: str) -> float:
    value = _number(text)
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError("must be from 0 to 1")
    return value


def _amount(text: str) -> float:
    value = _number(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return value


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def main(arguments: list[str] | None = None) -> int:
    """Runs a command.

    Returns:
        The exit status: 0, or 1 where something went wrong, or 128 and the signal's number where one ended it.
    """
    options = parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names of files may be bytes that are no text.
        sys.stdout.reconfigure(errors="backslashreplace")
    add_to_path()
    try:
        with processes.handled():
            return _command(options.command)(options)
    except EvaluationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except processes.Ended as ended:
        print(f"{ended}: what has ended is kept, and running again goes on from there", file=sys.stderr)
        return 128 + ended.signum
    except Exception as error:
        text = _sentence(error)
        if text is None:
            raise
        print(f"error: {text}", file=sys.stderr)
        return 1


def _sentence(error: Exception) -> str | None:
    """What the toolkit, a reader of its files or the system says in one sentence; nothing for faults of our own."""
    if "vot" not in sys.modules:
        return str(error) if isinstance(error, OSError) else None
    from attrax_vot.run import sentences

    return sentences.sentence(error) if isinstance(error, sentences.EXPECTED) else None


def _command(name: str) -> Callable[[argparse.Namespace], int]:
    """The function of a command. The toolkit takes a second to load: only for the commands that need it."""
    if name == "train":
        from attrax_vot.training.commands import run

        return run
    if name == "weights":
        from attrax_vot.weights.commands import run

        return run
    if name in ("init", "check"):
        from attrax_vot.datasets import commands as datasets

        return getattr(datasets, name)
    from attrax_vot import commands

    return getattr(commands, name)
