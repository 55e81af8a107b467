"""A program for `test_stacks.py`: runs stacks of the toolkit on tiny datasets, all in one process.

    python stacks_program.py FOLDER STACK=DATASET ...

FOLDER holds the datasets and `jitter.ini`; for each pair it gets a workspace with results. Each pair gets a
line, with what went wrong.
"""

import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from attrax_vot.cli import main
from attrax_vot.run import jobs
from attrax_vot.run.opened import OpenWorkspace


def run(folder: Path, stack: str, dataset: str) -> str:
    """Makes a stack's workspace by `attrax-vot init` and does the jobs that `attrax-vot run` would hand out.

    Returns:
        What went wrong; nothing when all is well.
    """
    directory = folder / f"{stack.replace('/', '-')}={dataset}"
    registry = ["--registry", str(folder / "jitter.ini")]
    arguments = [
        "init",
        str(directory),
        "--stack",
        stack,
        "--dataset",
        str(folder / dataset),
        "--repetitions",
        "1",
        *registry,
    ]
    said = StringIO()
    with redirect_stdout(said):
        if main(arguments):
            return said.getvalue()
    opened = OpenWorkspace(directory)
    for name in ("Jitter", "Several") if stack.startswith("vots") else ("Jitter",):
        for job in jobs.plan(opened, [opened.tracker(name)], jobs.Part()):
            outcome = jobs.work(job)
            if outcome.error:
                return outcome.error
    return ""


if __name__ == "__main__":
    for each in sys.argv[2:]:
        print(each, run(Path(sys.argv[1]), *each.split("=")).replace("\n", " "), flush=True)
