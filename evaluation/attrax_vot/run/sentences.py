"""Turns what the toolkit and the readers of its files raise into one sentence."""

import configparser
import errno
import re
import signal
from functools import singledispatch
from pathlib import Path

import yaml
from attributee import AttributeException
from class_registry.base import RegistryKeyError
from trax import TraxException
from vot import ToolkitException
from vot.analysis.processor import AnalysisError
from vot.tracker import TrackerException

from attrax_vot.run import internals
from attrax_vot.run.toolkit import EvaluationError

QUOTE = "'"
# Lines of a failed tracker's output that are shown; all of it is in the log.
LAST_LINES = 12
# Characters of such a line.
LONGEST_LINE = 300
# The toolkit's and vot-trax's errors about invalid answers, in clearer words.
PLAINER = {
    "Unable to connect to tracker": "it ended, or wrote something else, before it spoke TraX",
    "Unknown region type special": "it ended before it answered, or answered with something else than a region",
    "Exception when waiting for response: Unknown": "it ended before it answered",
    "Exception when waiting for response": "it answered with something that TraX does not know",
}
# Everything that names a problem of the user's files or machine, and none of this package.
EXPECTED = (
    EvaluationError,
    ToolkitException,
    TraxException,
    AttributeException,
    configparser.Error,
    yaml.YAMLError,
    RegistryKeyError,
    UnicodeDecodeError,
    OSError,
)


def sentence(error: BaseException, file: Path | None = None) -> str:
    """What went wrong.

    Args:
        error: that was raised.
        file: that was being read, where the error itself does not say it.
    """
    text = _text(error)
    return text if file is None or str(file) in text else f"{file}: {text}"


@singledispatch
def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {_one_line(error)}"


@_text.register(EvaluationError)
@_text.register(ToolkitException)
@_text.register(TraxException)
def _of_its_own(error: BaseException) -> str:
    return str(error).strip() or type(error).__name__


@_text.register
def _of_analysis(error: AnalysisError) -> str:
    """The toolkit's analyses name themselves by a checksum, and not what went wrong."""
    name, *where = error.task if isinstance(error.task, tuple) else (error.task,)
    name = str(name).partition("@")[0].rpartition(".")[2]
    cause = error.root_cause
    reason = f": {type(cause).__name__}: {_one_line(cause)}" if cause is not None else ""
    return f"{name} of {', '.join(map(str, where))} cannot be computed{reason}; is a result there damaged?"


@_text.register
def _of_registry(error: RegistryKeyError) -> str:
    return f"the toolkit knows nothing called {_one_line(error).strip(QUOTE)}"


@_text.register
def _of_depth(_error: RecursionError) -> str:
    return "its lists or tables are nested too deeply"


@_text.register
def _of_encoding(error: UnicodeDecodeError) -> str:
    return f"it is not UTF-8 text (byte {error.start}); save it as UTF-8"


@_text.register
def explain(failure: TrackerException) -> str:
    """Says what a tracker's failure was, with the last lines that it wrote."""
    causes = [_one_line(cause) if isinstance(cause, BaseException) else str(cause) for cause in failure.args]
    end = _end(failure.log or "")
    causes = [_plainer(cause, end) for cause in causes]
    lines = [line for line in (failure.log or "").splitlines() if line.strip() and not line.startswith("@@TRAX:")]
    return "\n".join([" ".join(causes) or "the tracker failed", *(f"  | {_cut(line)}" for line in lines[-LAST_LINES:])])


def _plainer(cause: str, end: str) -> str:
    """A cause in words that say more, by how the tracker's process ended."""
    if end and cause in PLAINER:
        return f"{end} before it answered"
    return f"{PLAINER[cause]} ({cause})" if cause in PLAINER else cause


def _end(log: str) -> str:
    """How a tracker's process ended by itself, as the toolkit notes it; empty where the toolkit ended it."""
    codes = re.findall(r"^Process exited with code \((-?[0-9]+)\)$", log, re.MULTILINE)
    code = int(codes[-1]) if codes else 0
    if code == -signal.SIGKILL:
        return "its process was killed (SIGKILL), by a user or by the system because memory ran out,"
    if code < 0 and code != -signal.SIGTERM:
        return f"its process was ended by {signal.Signals(-code).name}"
    return f"its process ended with exit code {code}" if code > 0 else ""


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}..."


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


@_text.register
def _of_system(error: OSError) -> str:
    words = error.strerror or _one_line(error)
    place = f"{error.filename}: {words}" if error.filename else words
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return f"{place}; what has ended is kept, and running again goes on from there" if full else place


@_text.register
def _of_attribute(error: AttributeException) -> str:
    """Where in a description the value is, and what is wrong with it."""
    keys = internals.keys(error)
    cause: BaseException = error
    while internals.keys(cause) and (below := cause.__cause__ or cause.__context__) is not None:
        cause = below
    words = _one_line(cause) if not internals.keys(cause) else "not a value that the toolkit takes here"
    words = words.replace("Unsupported arguments:", "unknown keys:").replace("Missing arguments:", "missing keys:")
    where = ".".join(keys)
    return f"{where}: {words}" if where else words


@_text.register
def _of_yaml(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or _one_line(error)
    return f"line {mark.line + 1}: {problem}" if mark is not None else problem


@_text.register
def _of_ini(error: configparser.Error) -> str:
    """Configparser names the file and the line by itself, over several lines."""
    if isinstance(error, configparser.InterpolationError):
        return f"[{error.section}] {error.option}: a percent sign is written as %%"
    if isinstance(error, configparser.MissingSectionHeaderError):
        return f"line {error.lineno}: {error.line.strip()!r} stands before any [NAME] of a tracker"
    if isinstance(error, configparser.DuplicateSectionError):
        return f"line {error.lineno}: a second tracker [{error.section}]; rename one of them"
    if isinstance(error, configparser.DuplicateOptionError):
        return f"line {error.lineno}: a second '{error.option}' in [{error.section}]; remove one of them"
    if isinstance(error, configparser.ParsingError):
        lines = ", ".join(f"line {number}: {line}" for number, line in error.errors)
        return f"{lines}: not a line 'key = value'"
    return _one_line(error)
