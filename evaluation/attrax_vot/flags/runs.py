"""Flags of the commands that make workspaces and run trackers."""

from pathlib import Path

from attrax_vot.flags import Commands, add_dataset, add_engine, add_tracker, amount, names, repetitions


def add(commands: Commands) -> None:
    """Adds the commands."""
    _add_evaluations(commands)
    _add_workspaces(commands)
    _add_run(commands)
    _add_plan(commands)
    _add_own(commands)


def _add_evaluations(commands: Commands) -> None:
    """The commands that do everything from a dataset to its scores."""
    demo = commands.add_parser("demo", help="render the demo dataset and run the experiment on it")
    demo.add_argument("directory", type=Path, help="where dataset, workspace and summary.json go")
    add_tracker(demo)

    evaluate = commands.add_parser("evaluate", help="run the experiment on a folder of sequences")
    evaluate.add_argument("dataset", type=Path, help="a folder of sequences, perhaps with a list.txt")
    add_tracker(evaluate)
    evaluate.add_argument("--workspace", type=Path, help="where results go [out/<name of the dataset>]")
    evaluate.add_argument("--repetitions", type=repetitions, default=1, metavar="N", help="of the experiment [1]")
    evaluate.add_argument("--sequences", type=names, metavar="A,B", help="only these [all]")
    evaluate.add_argument("--stack", default="vot2016/rgb", help="the toolkit's stack [vot2016/rgb]")
    evaluate.add_argument(
        "--experiments", type=names, default=["baseline"], metavar="A,B", help="of the stack [baseline]"
    )
    evaluate.add_argument(
        "--reference", type=Path, action="append", default=[], metavar="DIR",
        help="published raw results to compare with; may be given again",
    )  # fmt: skip

    dataset = commands.add_parser("dataset", help="render the demo dataset alone")
    dataset.add_argument("directory", type=Path, help="where it goes")


def _add_workspaces(commands: Commands) -> None:
    """The commands that make a workspace, and those that check what it needs."""
    init = commands.add_parser("init", help="make a workspace of the toolkit with attrax in it")
    init.add_argument("directory", type=Path, help="of the workspace")
    init.add_argument("--stack", default="vot2016/rgb", help="the toolkit's stack [vot2016/rgb]")
    init.add_argument("--dataset", type=Path, help="a folder of sequences [the toolkit downloads the stack's]")
    add_dataset(init)
    init.add_argument(
        "--experiments", type=names, metavar="A,B", help="of the stack [all; in another format, the unsupervised one]"
    )
    init.add_argument("--repetitions", type=repetitions, metavar="N", help="of the experiment [the stack's]")
    init.add_argument("--registry", type=Path, help="file that registers trackers [attrax's, or trackers.ini]")
    init.add_argument("--skip-damaged", action="store_true", help="leave out sequences that cannot be used")

    check = commands.add_parser("check", help="list everything odd in a dataset; exit status 0 where nothing is")
    check.add_argument("dataset", type=Path, help="a folder of sequences")
    add_dataset(check)

    verify = commands.add_parser("verify", help="check toolkit, tracker, device and timeouts, and run ten frames")
    add_tracker(verify)


def _add_run(commands: Commands) -> None:
    """The command that runs trackers in a workspace."""
    run = commands.add_parser("run", help="run trackers in a workspace, several sequences at a time")
    run.add_argument("workspace", type=Path, help="made by init")
    run.add_argument("trackers", nargs="+", metavar="TRACKER", help="names in the registry")
    run.add_argument("--repetitions", type=repetitions, metavar="N", help="of the experiment [the workspace's]")
    run.add_argument("--sequences", type=names, metavar="A,B", help="only these [all]")
    run.add_argument(
        "--experiments", type=names, metavar="A,B", help="of the workspace [the supervised one; all if there is none]"
    )
    run.add_argument(
        "--no-estimate", dest="estimate", action="store_false", help="start at once, without measuring the trackers"
    )
    add_engine(run, 1)


def _add_plan(commands: Commands) -> None:
    """The command that simulates a run on a cluster."""
    plan = commands.add_parser("plan", help="simulate what is missing of a workspace on a cluster")
    plan.add_argument("workspace", type=Path, help="made by init")
    plan.add_argument("trackers", nargs="+", metavar="TRACKER", help="to be run")
    plan.add_argument("--frame", type=amount, metavar="S", help="seconds that a frame takes there")
    plan.add_argument("--init", type=amount, metavar="S", help="seconds that an initialisation takes there")
    plan.add_argument(
        "--like", metavar="TRACKER", help="instead of both: as long as a tracker with results in the workspace took"
    )
    plan.add_argument(
        "--slots", type=names, default=["1", "8", "64"], metavar="N,M", help="jobs at a time, as many as GPUs [1,8,64]"
    )
    plan.add_argument(
        "--fails-every", type=amount, metavar="HOURS", help="mean time between a machine's failures [never]"
    )


def _add_own(commands: Commands) -> None:
    """The command that registers a tracker."""
    own = commands.add_parser("own", help="register a tracker of your own")
    own.add_argument("name", metavar="NAME", help="of the tracker: letters, digits, - and _")
    how = own.add_mutually_exclusive_group(required=True)
    how.add_argument("--python", type=Path, metavar="FILE", help="a Python file that speaks TraX when it is imported")
    how.add_argument("--command", dest="line", metavar="LINE", help="a command that starts a program that speaks TraX")
    own.add_argument("--registry", type=Path, default=Path("trackers.ini"), help="file to add it to [trackers.ini]")
