"""Ends everything that this program has started, however the program itself is ended.

INT, TERM and HUP end a run in order: what has ended is kept, and every child is gone within seconds. That also holds
where a shell started the program in the background, with INT ignored, and where the user sends a second signal.
"""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

#: Where Linux shows its processes; other systems have `ps` alone.
PROC = Path("/proc")
#: What ends a run in order.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Linux's option of `prctl`.
SET_CHILD_SUBREAPER = 36
#: Seconds that children have to end by themselves.
GRACE = 3.0


class Ended(KeyboardInterrupt):
    """A signal has ended the program.

    Attributes:
        signum: which.
        children: the processes that were at work when it came.
    """

    def __init__(self, signum: int) -> None:
        """Takes down the children: what their parents leave behind cannot be found later."""
        super().__init__(signal.Signals(signum).name)
        self.signum = signum
        self.children = descendants(os.getpid())


@contextmanager
def handled() -> Iterator[None]:
    """Turns the first signal into `Ended`; those after it do not disturb the end."""

    def end(signum: int, _frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise Ended(signum)

    # Under `nohup` a closed terminal is to end nothing.
    watched = [each for each in SIGNALS if each != signal.SIGHUP or signal.getsignal(each) != signal.SIG_IGN]
    before = {each: signal.signal(each, end) for each in watched}
    try:
        yield
    except Ended as ended:
        end_all(ended.children)
        raise
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def adopting() -> Iterator[None]:
    """Ends what was started in the block and is still there after it, also where its own parent has ended.

    Trackers may start processes that outlive them. Where the system is not Linux, those are not found.
    """
    before = set(descendants(os.getpid()))
    _adopt(True)
    try:
        yield
    finally:
        end_all([pid for pid in descendants(os.getpid()) if pid not in before])
        _adopt(False)


def _adopt(wanted: bool) -> None:
    """Sets whether orphans among the descendants become children of this process."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0)


def descendants(pid: int) -> list[int]:
    """The children of a process, their children, and so on."""
    if not (PROC / f"self/task/{os.getpid()}/children").exists():
        return _listed(pid)
    found = []
    with suppress(OSError):
        for task in (PROC / str(pid) / "task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    return found


def alive(pid: int) -> bool:
    """Whether a process is at work: one that has ended, and only waits for its parent to notice, is not."""
    if not (PROC / "self/exe").exists():
        return _reachable(pid) and not _ps("-o", "stat=", "-p", str(pid)).strip().startswith("Z")
    try:
        return (PROC / str(pid) / "exe").exists()
    except PermissionError:
        return True


def _reachable(pid: int) -> bool:
    """Whether a process takes signals, where there is no `/proc` to look into."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _listed(pid: int) -> list[int]:
    """The descendants of a process by the list of all processes, where there is no `/proc`, or not all of it."""
    children: dict[int, list[int]] = {}
    for line in _ps("-A", "-o", "pid=", "-o", "ppid=").splitlines():
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    found = list(children.get(pid, []))
    # The list grows while it is gone through.
    for each in found:
        found += children.get(each, [])
    return found


def _ps(*arguments: str) -> str:
    """What POSIX's `ps` prints, without `ps` itself; nothing where there is none."""
    try:
        with subprocess.Popen(["ps", *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as ps:
            text = ps.stdout.read() if ps.stdout else ""
            return "".join(line for line in text.splitlines(keepends=True) if line.split()[:1] != [str(ps.pid)])
    except OSError:
        return ""


def end_all(pids: list[int], grace: float = GRACE) -> None:
    """Ends processes: asks them, and kills those that are still there after `grace` seconds."""
    _send(pids, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    _send([pid for pid in pids if alive(pid)], signal.SIGKILL)


def _send(pids: list[int], what: signal.Signals) -> None:
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, what)
