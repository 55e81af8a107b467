"""Checks that an evaluation will work here, each with what to do where it would not."""

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from vot.region import calculate_overlap
from vot.tracker import Tracker

from attrax_vot import toml
from attrax_vot.demo import render_dataset
from attrax_vot.program import hint, remedy
from attrax_vot.run import driver, registration, registry, workspace
from attrax_vot.run.jobs import thread_variables
from attrax_vot.run.observe import ObservedTracker
from attrax_vot.run.opened import OpenWorkspace
from attrax_vot.run.sentences import EXPECTED, sentence
from attrax_vot.run.toolkit import VERSION

FRAMES = 10
# The versions that `tests/python/test_toolkits.py` runs, and what each does by itself.
NEEDS_US = (
    "whose own supervised, multistart and real-time experiments drive no TraX tracker; attrax-vot's do, also by plain "
    "'vot' in the workspaces that it makes (docs/toolkit.md)"
)
TRIED = {"0.7.4": "which drives TraX trackers in every experiment", "0.8.1": NEEDS_US, "0.9.0": NEEDS_US}
# Seconds that a reply may take in the project's own registrations: an initialisation on a slow CPU.
TIMEOUT = 600
# Share of the timeout beyond which a reply is close to it.
CLOSE = 0.25
# Below it a tracker does not follow an easy target.
OVERLAP = 0.4


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        good: whether it is as it should be.
        found: what was found.
        fix: what to do where it is not good, or where `warning` is set.
        warning: whether it is good, but only just.
    """

    name: str
    good: bool
    found: str
    fix: str = ""
    warning: bool = False

    def line(self) -> str:
        """For the terminal."""
        mark = "FAIL" if not self.good else "warn" if self.warning else "ok  "
        text = f"{mark}  {self.name}: {self.found}"
        return text if self.good and not self.warning else f"{text}\n      fix: {self.fix}"


def checks(place: Path, identifier: str) -> Iterator[Check]:
    """Looks at one thing after the other; the last one runs the tracker.

    Args:
        place: file or folder that registers trackers.
        identifier: of the tracker.

    Raises:
        EvaluationError: the registration cannot be read.
    """
    yield toolkit(VERSION)
    yield attributee(version("attributee"))
    found = registry.read(place)
    if identifier not in found:
        others = ", ".join(found.identifiers()) or "none"
        text = f"{place} does not register {identifier}; there are {others}"
        if illegal := registry.illegal([place]):
            text += f"; a name may have letters, digits, - and _: {', '.join(illegal)} may not be used"
        fix = f"name another file with --registry{hint(identifier)}"
        yield Check("registration", good=False, found=text, fix=fix)
        return
    tracker = found[identifier]
    problems = list(registration.problems(tracker))
    if not problems:
        yield Check("registration", good=True, found=f"{identifier} in {place}, protocol {tracker.protocol}")
    for problem in problems:
        yield Check("registration", good=False, found=problem.found, fix=problem.fix)
    if (check := arguments(tracker)) is not None:
        yield check
    if problems:
        return
    program = registration.program(tracker)
    yield Check("program", good=True, found=str(program.path))
    if program.attrax:
        yield from _info(str(program.path), tracker)
    yield from ten_frames(tracker)


def toolkit(found: str) -> Check:
    """The toolkit's version, and what it does by itself."""
    fix = f"{', '.join(TRIED)} were tried; pip install vot-toolkit==0.7.4"
    return Check("VOT toolkit", found in TRIED, f"{found}, {TRIED[found]}" if found in TRIED else found, fix)


def arguments(tracker: Tracker) -> Check | None:
    """Whether every program sends the tracker the properties that its registration gives it; nothing without any."""
    warning = driver.warning(tracker)
    return Check("arguments", good=True, found=warning) if warning else None


def attributee(found: str) -> Check:
    """The version of a library that the toolkit needs."""
    numbers = tuple(int(part) for part in found.split(".")[:3])
    return Check("attributee", numbers < (0, 1, 10), found, "0.1.10 fails at import; pip install 'attributee<0.1.10'")


@dataclass(frozen=True)
class Speed:
    """How a tracker did in the first ten frames of the demo.

    Attributes:
        initialization: seconds.
        frame: mean seconds of each other frame.
        overlap: mean, with the ground truth.
    """

    initialization: float
    frame: float
    overlap: float


def measure(tracker: Tracker, threads: int | None = None, log: list[str] | None = None) -> Speed | str:
    """Follows the demo's first target for ten frames, as the toolkit would.

    Args:
        tracker: as registered.
        threads: for its arithmetic; its own choice when nothing is said.
        log: takes what the tracker wrote.

    Returns:
        How it did, or its last words.
    """
    environment = {} if threads is None else thread_variables(threads)
    written = [] if log is None else log
    observed = ObservedTracker.of(tracker, lambda *_: None, written.append, environment)
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        render_dataset(directory / "dataset", ["turning"])
        settings = workspace.Settings(directory / "dataset", registry=Path(tracker.source))
        workspace.prepare(directory / "space", settings)
        opened = OpenWorkspace(directory / "space")
        sequence = opened.sequences(opened.needed())[0]
        overlaps, seconds = [], []
        try:
            runtime = driver.Single(observed.runtime())
            try:
                start = runtime.initialize(sequence.frame(0), sequence.groundtruth(0))[1]
                for frame in range(1, FRAMES):
                    state, elapsed = runtime.update(sequence.frame(frame))
                    overlaps.append(calculate_overlap(state.region, sequence.groundtruth(frame), sequence.size))
                    seconds.append(elapsed)
            finally:
                runtime.stop()
        except (*EXPECTED, RuntimeError, TypeError) as failure:
            written.append(getattr(failure, "log", None) or "")
            return sentence(failure)
    return Speed(start, fmean(seconds), fmean(overlaps))


def ten_frames(tracker: Tracker) -> Iterator[Check]:
    """Whether a tracker follows an easy target, and how close its start is to the timeout."""
    log: list[str] = []
    allowed = int(tracker.describe().get("timeout", 30))
    speed = measure(tracker, log=log)
    if isinstance(speed, str):
        yield Check("ten frames", good=False, found=speed, fix=_remedy(tracker, speed, "".join(log)))
        return
    found = f"overlap {speed.overlap:.2f}, {speed.initialization:.1f} s to start, {speed.frame:.2f} s a frame"
    fix = "it does not follow an easy target: are its weights right?"
    yield Check("ten frames", speed.overlap > OVERLAP, found, fix)
    slowest = max(speed.initialization, speed.frame)
    yield Check(
        "timeout",
        good=True,
        found=f"{allowed} s, of which the slowest reply took {slowest:.1f} s",
        fix=f"write timeout = {max(TIMEOUT, round(10 * slowest))} into {tracker.source}: larger frames take longer",
        warning=slowest > CLOSE * allowed,
    )


def _remedy(tracker: Tracker, failure: str, log: str) -> str:
    """What to do after a failure, by what the tracker wrote."""
    source = tracker.source
    module = re.search(r"ModuleNotFoundError: No module named '([^']+)'", log)
    if module and module[1] == "trax":
        return (
            f"install vot-trax into the tracker's Python: {registration.program(tracker).path} -m pip install vot-trax"
        )
    if module:
        return f"install {module[1]} into the tracker's Python, or write its folder after 'paths =' in {source}"
    if re.search(r"[^\n]@@TRAX:", log):
        return "it writes on standard output without a line's end, which breaks the protocol: print to standard error"
    if "did not reply" in failure or "did not speak" in failure:
        return f"write timeout = {TIMEOUT} into {source} if its start takes that long"
    if "@@TRAX:" not in log and log.strip():
        return "its last words are above; it ended, or wrote something else, before it spoke TraX"
    return "its last words are above"


def _info(path: str, tracker: Tracker) -> Iterator[Check]:
    """What attrax says about itself: device, threads, weights, and the tracker's own parameters."""
    flags = shlex.split(tracker.describe()["command"])[2:]
    replies = []
    for arguments in (flags, []):
        try:
            reply = subprocess.run([path, "info", *arguments], capture_output=True, text=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            yield Check("attrax info", good=False, found=str(error), fix=remedy())
            return
        if reply.returncode:
            fix = f"put the command of {tracker.identifier} in {tracker.source} right"
            yield Check("attrax info", good=False, found=reply.stderr.strip(), fix=fix)
            return
        replies.append(reply.stdout)
    about, own = _parse(replies[0])
    yield Check("attrax info", good=True, found=about)
    usual = _parse(replies[1])[1]
    differing = ", ".join(f"{name} = {value}" for name, value in own.items() if usual.get(name) != value)
    yield Check("parameters", good=True, found=differing or "the default ones")


def _parse(text: str) -> tuple[str, dict[str, object]]:
    """What `attrax info` prints: the lines at its head as one, and the resolved parameters that follow."""
    head = text.partition("\n\n")[0].replace("# ", "")
    tables = toml.loads(text)
    flat: dict[str, object] = {}
    for name, value in tables.items():
        flat |= {f"{name}.{key}": each for key, each in value.items()} if isinstance(value, dict) else {name: value}
    return "; ".join(" ".join(line.split()) for line in head.splitlines() if line.strip()), flat


def run(place: Path, identifier: str, tell: Callable[[str], None]) -> bool:
    """Runs all checks and reports each.

    Returns:
        Whether all are good.

    Raises:
        EvaluationError: the tracker's registration cannot be read.
    """
    good = True
    for check in checks(place, identifier):
        tell(check.line())
        good &= check.good
    return good
