"""One process of `attrax serve` and the TraX client that talks to it, from its start to its end.

vot-trax ends a session in a finalizer of its own, which logs through a callback that may be freed by then and writes
to descriptors that other files may have by then. So a link ends its client itself, in this order: quit, free the
client, close the pipes, wait for the process.
"""

import atexit
import os
import signal
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from trax import TraxException
from trax.client import Client

# Seconds that the process has to end after a quit.
PATIENCE = 10
# Seconds that the end of the program waits for a request of another thread.
BUSY = 1
CLOSED = "the tracker was closed during the request; init starts another one"


class LinkError(Exception):
    """The process could not start or did not answer; the text is the reason."""


class Link:
    """A process and its client. `close` ends both; so do the garbage collector and the end of the program.

    A link belongs to the process that made it. In a child made by `os.fork` it is closed: two processes that read one
    pipe would take each other's answers.
    """

    def __init__(self, command: Sequence[str]) -> None:
        """Starts the process and waits for its greeting.

        Raises:
            LinkError: it does not greet.
            OSError: the program cannot be run.
        """
        self._parts = _Parts(command)
        self._finalizer = weakref.finalize(self, self._parts.end)
        # After the finalizer, so that it runs before it.
        atexit.unregister(_ENDING.set)
        atexit.register(_ENDING.set)

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent."""
        _hold_at_the_end()
        return self._finalizer.alive and self._parts.is_ours

    @property
    def is_foreign(self) -> bool:
        """Whether another process made the link, before it made this one by a fork."""
        return not self._parts.is_ours

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The process."""
        return self._parts.process

    def ask(self, request: Callable[[Client], Any]) -> Any:  # noqa: ANN401 - vot-trax has no types
        """Sends a request and returns the answer. Threads take turns. After an error the link is closed.

        Raises:
            LinkError: the process refused the request, or it ended.
        """
        try:
            with self._parts.lock, without_signals():
                return request(self._parts.living_client())
        except TraxException as error:
            self.close()
            _hold_at_the_end()
            raise LinkError(self._parts.reason(error)) from error
        except BaseException:
            # The answer to this request would be taken for that of the next one.
            self.close()
            raise

    def close(self) -> None:
        """Ends the process; a second call does nothing."""
        self._finalizer()


class _Parts:
    """What a link consists of. It knows nothing of the link, so that the link can be collected."""

    def __init__(self, command: Sequence[str]) -> None:
        self.owner = os.getpid()
        self.lock = threading.RLock()
        self.client: Client | None = None
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        try:
            # Unbuffered: libtrax reads and writes the descriptors itself.
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, bufsize=0
            )
        except BaseException:
            self.errors.close()
            raise
        self.text = ""
        self.was_killed = False
        _ALIVE.add(self)
        try:
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            descriptors = (self.process.stdin.fileno(), self.process.stdout.fileno())
            with without_signals():
                # vot-trax cannot make a client without a log.
                self.client = Client(stream=descriptors, log=_ignore)
        except (TraxException, AttributeError) as error:
            # vot-trax trips over its own error message where there is no greeting: an
            # AttributeError.
            self.end()
            raise LinkError(self.reason(error)) from error
        except BaseException:
            self.end()
            raise

    @property
    def is_ours(self) -> bool:
        """Whether this process started the link."""
        return self.owner == os.getpid()

    def living_client(self) -> Client:
        """The client, for the holder of the lock.

        Raises:
            LinkError: another thread has closed it.
        """
        if self.client is None:
            raise LinkError(CLOSED)
        return self.client

    def end(self) -> None:
        """Ends the session and the process."""
        if not self.is_ours:
            return
        # At the end of the program a thread may still wait for an answer, which comes once the
        # process is gone.
        idle = self.lock.acquire(timeout=BUSY)
        try:
            if idle:
                self._end_client()
                self._close_pipes()
            else:
                self.forget_client()
                self.was_killed = True
                self.process.kill()
            self._wait()
            if not self.errors.closed:
                self.errors.seek(0)
                self.text = self.errors.read().decode(errors="replace")
                self.errors.close()
        finally:
            _ALIVE.discard(self)
            if idle:
                self.lock.release()

    def _end_client(self) -> None:
        """Quits, and frees libtrax's half while the log's callback exists."""
        client, self.client = self.client, None
        if client is not None:
            with suppress(TraxException):
                client.quit()
            client._handle = None

    def forget_client(self) -> None:
        """Keeps vot-trax's finalizer from freeing and writing."""
        if self.client is not None:
            self.client._handle.ref.finalizer = None

    def _close_pipes(self) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def _wait(self) -> None:
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def after_fork(self) -> None:
        """Lets go of the parent's process, in a child: the descriptors are closed, and nothing is written."""
        self.lock = threading.RLock()
        self.forget_client()
        self._close_pipes()
        self.errors.close()
        # It is the parent's child, not ours.
        self.process.returncode = 0

    def reason(self, error: Exception) -> str:
        """Why the process, which has ended, failed: its own words, or how it ended."""
        own = str(error).removeprefix("Server terminated the session: ")
        if own != str(error):
            return own
        lines = [line.strip() for line in self.text.splitlines() if line.strip()]
        # An error about the arguments is followed by a line about --help.
        text = "\n".join(lines).partition("\nFor more information")[0]
        if last := text.rpartition("error: ")[2].replace("\n", " "):
            return last
        code = self.process.returncode
        if self.was_killed:
            return CLOSED
        if code == -signal.SIGKILL:
            return (
                "the tracker's process was killed (SIGKILL), by a user or by the system because memory ran out; "
                "init starts another one"
            )
        if code < 0:
            return f"the tracker's process was ended by {signal.Signals(-code).name}; init starts another one"
        return f"the tracker's process ended with exit code {code} and gave no reason; init starts another one"


# Set when the program ends.
_ENDING = threading.Event()


def _hold_at_the_end() -> None:
    """Stops a daemon thread that outlives its tracker: an error there would be printed while the program ends."""
    if _ENDING.is_set() and threading.current_thread() is not threading.main_thread():
        threading.Event().wait()


# The links that `_forget_all` closes in a child.
_ALIVE: "weakref.WeakSet[_Parts]" = weakref.WeakSet()


def _forget_all() -> None:
    for parts in list(_ALIVE):
        parts.after_fork()
    _ALIVE.clear()


os.register_at_fork(after_in_child=_forget_all)


def _ignore(_message: str) -> None:
    """A log that keeps nothing."""


@contextmanager
def without_signals() -> Iterator[None]:
    """Delays signals that Python code handles: libtrax takes an interrupted read for the end.

    Ctrl-C interrupts the read, and its handler runs at the end of the block: within it, it would run in libtrax's
    callback of the log, or in a finalizer of an image or a region, where its exception is lost. Blocks may be nested.
    No process is started in one: it would inherit the delay.
    """
    handled = {number for number in signal.valid_signals() if callable(signal.getsignal(number))} - {signal.SIGINT}
    interrupts: list[FrameType | None] = []
    handler = signal.getsignal(signal.SIGINT)
    try:
        # Handlers are the main thread's.
        replaced = callable(handler) and bool(
            signal.signal(signal.SIGINT, lambda _number, frame: interrupts.append(frame))
        )
    except ValueError:
        replaced = False
    before = signal.pthread_sigmask(signal.SIG_BLOCK, handled)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if replaced:
            signal.signal(signal.SIGINT, handler)
        if interrupts and callable(handler):
            handler(signal.SIGINT, interrupts[0])
