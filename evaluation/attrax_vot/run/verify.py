"""Checks that an evaluation will work here, each with what to do where it would not."""

import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from vot.region import calculate_overlap
from vot.tracker import Registry, Tracker, TrackerException

from attrax_vot import toml
from attrax_vot.demo import render_dataset
from attrax_vot.run import driver, runner, sentences, workspace
from attrax_vot.run.jobs import thread_variables
from attrax_vot.run.observe import ObservedTracker
from attrax_vot.run.toolkit import VERSION, EvaluationError

FRAMES = 10
# The versions that `tests/python/test_toolkits.py` runs, and what each does by itself.
NEEDS_US = (
    "whose own supervised, multistart and real-time experiments drive no TraX tracker; attrax-vot's do, also by plain "
    "'vot' in the workspaces that it makes (docs/toolkit.md)"
)
TRIED = {"0.7.4": "which drives TraX trackers in every experiment", "0.8.1": NEEDS_US, "0.9.0": NEEDS_US}
# Seconds that a reply must be allowed to take: an initialisation on a slow CPU.
TIMEOUT = 120
# Below it a tracker does not follow an easy target.
OVERLAP = 0.4


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        good: whether it is as it should be.
        found: what was found.
        fix: what to do where it is not good.
    """

    name: str
    good: bool
    found: str
    fix: str = ""

    def line(self) -> str:
        """For the terminal."""
        text = f"{'ok  ' if self.good else 'FAIL'}  {self.name}: {self.found}"
        return text if self.good else f"{text}\n      fix: {self.fix}"


def checks(registry: Path, identifier: str) -> Iterator[Check]:
    """Looks at one thing after the other; the last one runs the tracker.

    Args:
        registry: file that registers trackers.
        identifier: of the tracker.
    """
    yield toolkit(VERSION)
    yield attributee(version("attributee"))
    tracker = None
    if registry.is_file():
        found = Registry([str(registry.resolve())])
        tracker = next((each for each in found if each.identifier == identifier), None)
    known = f"{identifier} in {registry}" if tracker else f"{registry} does not register {identifier}"
    yield Check("registration", tracker is not None, known, "name another file with --registry")
    if tracker is None:
        return
    yield timeout(tracker)
    if (check := arguments(tracker)) is not None:
        yield check
    program = Program.of(tracker)
    yield Check("program", program.path is not None, program.path or f"no {program.name} on PATH", "make build")
    if program.path is None:
        return
    if program.name == "attrax":
        yield from _info(program.path, tracker)
    yield ten_frames(tracker)


@dataclass(frozen=True)
class Program:
    """What a tracker's command starts.

    Attributes:
        name: as the command has it, without folders.
        path: where it is; none where it is nowhere.
    """

    name: str
    path: str | None

    @classmethod
    def of(cls, tracker: Tracker) -> "Program":
        """The program of a tracker."""
        words = shlex.split(tracker.describe().get("command") or "") or [""]
        return cls(Path(words[0]).name, shutil.which(words[0]))


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


def timeout(tracker: Tracker) -> Check:
    """How long the toolkit waits for a reply."""
    seconds = float(tracker.describe().get("timeout", 30))
    fix = f"write timeout = 600 into {tracker.source}: an initialisation may take a minute on a CPU"
    return Check("timeout", seconds >= TIMEOUT, f"{seconds:.0f} s", fix)


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


def measure(tracker: Tracker, threads: int | None = None) -> Speed | str:
    """Follows the demo's first target for ten frames, as the toolkit would.

    Args:
        tracker: as registered.
        threads: for its arithmetic; its own choice when nothing is said.

    Returns:
        How it did, or its last words.
    """
    environment = {} if threads is None else thread_variables(threads)
    observed = ObservedTracker.of(tracker, lambda *_: None, lambda _: None, environment)
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        render_dataset(directory / "dataset", ["turning"])
        settings = workspace.Settings(directory / "dataset", registry=Path(tracker.source))
        workspace.prepare(directory / "space", settings)
        space = workspace.load(directory / "space")
        sequence = runner.sequences_of(space, space.stack["baseline"])[0]
        runtime = driver.Single(observed.runtime())
        overlaps, seconds = [], []
        try:
            start = runtime.initialize(sequence.frame(0), sequence.groundtruth(0))[1]
            for frame in range(1, FRAMES):
                state, elapsed = runtime.update(sequence.frame(frame))
                overlaps.append(calculate_overlap(state.region, sequence.groundtruth(frame), sequence.size))
                seconds.append(elapsed)
        except TrackerException as failure:
            return sentences.explain(failure)
        finally:
            runtime.stop()
    return Speed(start, fmean(seconds), fmean(overlaps))


def ten_frames(tracker: Tracker) -> Check:
    """Whether a tracker follows an easy target."""
    speed = measure(tracker)
    if isinstance(speed, str):
        return Check("ten frames", good=False, found=speed, fix="see its last words above")
    found = f"overlap {speed.overlap:.2f}, {speed.initialization:.1f} s to start, {speed.frame:.2f} s a frame"
    fix = "it does not follow an easy target: are its weights right?"
    return Check("ten frames", speed.overlap > OVERLAP, found, fix)


def _info(path: str, tracker: Tracker) -> Iterator[Check]:
    """What attrax says about itself: device, threads, weights, and the tracker's own parameters."""
    flags = shlex.split(tracker.describe()["command"])[2:]
    replies = []
    for arguments in (flags, []):
        try:
            reply = subprocess.run([path, "info", *arguments], capture_output=True, text=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            yield Check("attrax info", good=False, found=str(error), fix="'make build' builds attrax anew")
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
    head, _, parameters = text.partition("\n#")
    # The rest of the line of the comment.
    tables = toml.loads("#" + parameters)
    flat: dict[str, object] = {}
    for name, value in tables.items():
        flat |= {f"{name}.{key}": each for key, each in value.items()} if isinstance(value, dict) else {name: value}
    return "; ".join(" ".join(line.split()) for line in head.splitlines() if line.strip()), flat


def run(registry: Path, identifier: str, tell: Callable[[str], None]) -> bool:
    """Runs all checks and tells of each.

    Returns:
        Whether all are good.

    Raises:
        EvaluationError: the tracker's registration cannot be read.
    """
    good = True
    try:
        for check in checks(registry, identifier):
            tell(check.line())
            good &= check.good
    except (TypeError, ValueError) as error:
        raise EvaluationError(f"{registry} cannot be read: {error}") from error
    return good
