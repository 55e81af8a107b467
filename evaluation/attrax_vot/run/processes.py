"""Ends everything that this program has started, however the program itself is ended.

INT, TERM and HUP end a run in order: what has ended is kept, and every child is gone within seconds. That also holds
where a shell started the program in the background, with INT ignored, and where the user sends a second signal.
"""

import ctypes
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import psutil

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
        """Notes the children: those of a process that has ended cannot be found later."""
        super().__init__(signal.Signals(signum).name)
        self.signum = signum
        self.children = descendants()


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
    before = descendants()
    _adopt(True)
    try:
        yield
    finally:
        end_all([each for each in descendants() if each not in before])
        _adopt(False)


def _adopt(wanted: bool) -> None:
    """Sets whether orphans among the descendants become children of this process."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0)


def descendants(pid: int | None = None) -> list[psutil.Process]:
    """The children of a process, this one by default, their children, and so on."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


def find(pid: int) -> psutil.Process | None:
    """The process at work with a number, if there is one."""
    try:
        found = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None
    return found if alive(found) else None


def alive(process: psutil.Process) -> bool:
    """Whether a process is at work; a zombie, which its parent has not waited for, is not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end_all(processes: list[psutil.Process], grace: float = GRACE) -> None:
    """Ends processes: asks them, and kills those that are still there after `grace` seconds."""
    # Not `psutil.wait_procs`: it takes the exit codes of children that `subprocess` waits for.
    _send(processes, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while any(map(alive, processes)) and time.monotonic() < deadline:
        time.sleep(0.05)
    _send([each for each in processes if alive(each)], signal.SIGKILL)


def _send(processes: list[psutil.Process], what: signal.Signals) -> None:
    for each in processes:
        with suppress(psutil.Error):
            each.send_signal(what)
