"""Does one job of a workspace with a fault in it, and again without, for every place of the fault.

The program is started with `faults.c` preloaded, and forks for each try: a fault ends a process, and imports take
longer than all the tries. Its arguments: the workspace, its copy to work in, the library's path, the kinds of faults
in turn (those of `faults.c`, and `frame`: killed after this number of frames), the first place of a fault, and the
step to the next one. Prints a line of JSON for each try, until a fault comes after the end.
"""

import ctypes
import hashlib
import itertools
import json
import os
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

from attrax_vot.run import jobs, notes
from attrax_vot.run.opened import OpenWorkspace


def planned(space: Path) -> jobs.Job:
    """What is missing of the first sequence."""
    opened = OpenWorkspace(space)
    return jobs.plan(opened, [opened.tracker("Jitter")], jobs.Part())[0]


def attempt(job: jobs.Job, library: ctypes.CDLL, place: int, kind: str) -> dict:
    """Does what is missing in a process of its own, with a fault at some place; how that went."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        if kind == "frame":
            kill_after(place)
            place, kind = 0, "none"
        library.fault_arm(job.workspace.encode(), ctypes.c_long(place), kind.encode())
        outcome = jobs.work(job)
        calls = library.fault_calls()
        library.fault_arm(b"/", ctypes.c_long(0), b"")
        os.write(write, json.dumps([calls, outcome.error]).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if not answer:
        return {"status": os.waitstatus_to_exitcode(status), "calls": 0, "error": ""}
    calls, error = json.loads(answer)
    return {"status": 0, "calls": calls, "error": error}


def content(space: Path) -> dict[str, str]:
    """The checksums of all results but the seconds, which differ."""
    files = sorted(path for path in (space / "results").rglob("*") if path.is_file())
    kept = [path for path in files if not path.name.endswith("_time.value")]
    found = {str(path.relative_to(space)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}
    return found | {str(path.relative_to(space)): "seconds" for path in files if path not in kept}


def kill_after(frames: int) -> None:
    """Lets this process be killed once its tracker has answered `frames` frames."""
    note, count = notes.Notebook.__call__, itertools.count(1)

    def watched(self: notes.Notebook, step: object) -> None:
        note(self, step)
        if next(count) == frames:
            os.kill(os.getpid(), signal.SIGKILL)

    notes.Notebook.__call__ = watched


def main() -> None:
    """Goes through the places of faults."""
    original, copy, library_path, kinds, first, step = sys.argv[1:]
    library = ctypes.CDLL(library_path)
    library.fault_calls.restype = ctypes.c_long
    space, place = Path(copy), int(first)
    job = replace(planned(Path(original)), workspace=copy, owner=None)
    while True:
        kind = kinds.split(",")[place % len(kinds.split(","))]
        shutil.copytree(original, space, symlinks=True)
        faulty = attempt(job, library, place, kind)
        left = content(space)
        resumed = attempt(job, library, 0, "none")
        aside = [str(path) for path in (space / "set-aside").rglob("*")]
        said = {"place": place, "kind": kind, "faulty": faulty, "left": left, "resumed": resumed}
        print(json.dumps({**said, "content": content(space), "aside": aside}), flush=True)
        shutil.rmtree(space)
        if faulty["status"] == 0 and (kind == "frame" or faulty["calls"] < place):
            return
        place += int(step)


if __name__ == "__main__":
    main()
