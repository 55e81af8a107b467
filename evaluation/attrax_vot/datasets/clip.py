"""A sequence of any dataset: frames, ground truth, and findings."""

from dataclasses import dataclass, field
from pathlib import Path

from attrax_vot.datasets import frames, truth
from attrax_vot.datasets.text import escaped, ranges
from attrax_vot.datasets.truth import NOT_ANNOTATED, TruthRow

# The tag of frames in which no tracker can be started; `stack.yaml` has it in `skip_tags`.
NO_REGION = "no_region"
# The toolkit's name of the object in a sequence with one.
OBJECT = "object"


@dataclass(frozen=True)
class Finding:
    """Something odd about a sequence.

    Attributes:
        text: a sentence with file, line and value.
        fatal: whether the sequence cannot be used.
    """

    text: str
    fatal: bool = True


@dataclass
class Clip:
    """A sequence on disk.

    Attributes:
        name: of the sequence in a workspace.
        folder: where it is.
        channels: image files by channel, in order, one for each row; the first is the default. None without frames.
        objects: ground truth by object; coordinates count from 0.
        findings: oddities and errors.
        tags: by name, whether each frame has it.
        values: by name, a number for each frame.
        fps: frames a second.
        plain: whether the toolkit reads the folder as it is.
        fitted: whether frames were left out or tagged, because no tracker can be started in them.
        size: width and height of the first frame; none where it is unknown.
        sources: the files of ground truth.
    """

    name: str
    folder: Path
    channels: dict[str, list[Path]] = field(default_factory=dict)
    objects: dict[str, list[TruthRow]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    tags: dict[str, list[bool]] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=dict)
    fps: int = 30
    plain: bool = False
    fitted: bool = False
    size: tuple[int, int] | None = None
    sources: list[Path] = field(default_factory=list)

    @property
    def frames(self) -> list[Path]:
        """The images of the default channel."""
        return next(iter(self.channels.values()), [])

    @property
    def rows(self) -> list[TruthRow]:
        """The ground truth of the first object."""
        return next(iter(self.objects.values()), [])

    @property
    def regions(self) -> list[tuple[float, ...] | None]:
        """Rectangles and polygons of the first object; none where there is no region."""
        return [row.numbers if row.bounds else None for row in self.rows]

    @property
    def targets(self) -> list[str]:
        """The objects to follow; the toolkit keeps names that begin with an underscore for regions to ignore."""
        return [name for name in self.objects if not name.startswith("_")]

    @property
    def errors(self) -> list[str]:
        """Why the sequence cannot be used; empty where it can."""
        return [finding.text for finding in self.findings if finding.fatal]

    def add(self, *sentences: str, fatal: bool = False) -> None:
        """Adds findings, a line each."""
        self.findings += [Finding(escaped(sentence), fatal) for sentence in sentences]

    def fail(self, *sentences: str) -> "Clip":
        """Adds fatal findings, and returns the clip."""
        self.add(*sentences, fatal=True)
        return self


def broken(name: str, folder: Path, sentence: str) -> Clip:
    """A sequence that cannot be read at all."""
    return Clip(name, folder).fail(sentence)


def read_rows(clip: Clip, path: Path) -> list[TruthRow]:
    """Reads ground truth; unreadable lines become fatal findings."""
    clip.sources.append(path)
    try:
        rows = truth.read(path)
    except OSError as error:
        clip.fail(str(error))
        return []
    clip.fail(*truth.errors(path, rows))
    if not rows:
        clip.fail(f"{path} is empty")
    return rows


def fit(clip: Clip, channel: str, found: list[Path], rows: list[TruthRow], source: Path) -> list[TruthRow]:
    """Gives a clip its frames, as rows of ground truth belong to them.

    Args:
        clip: receives the frames and findings.
        channel: of the frames.
        found: images of a folder, in order.
        rows: of `source`.
        source: the file of ground truth, named in findings.

    Returns:
        A row for each frame; if the file has one row, it belongs to the first frame.
    """
    if not found or not rows:
        return rows
    choice = frames.choose(found, len(rows))
    clip.add(*choice.notes)
    if choice.rows is None:
        counted = f"{source} has {len(rows)} boxes, {clip.name} {len(choice.frames)} frames"
        clip.fail(choice.error or f"{counted} in {found[0].parent}; make them as many")
        return rows
    clip.channels[channel] = choice.frames
    if len(rows) == 1:
        return rows + [NOT_ANNOTATED] * (len(choice.frames) - 1)
    return [rows[place] for place in choice.rows]


def settle(clip: Clip, source: Path | None = None) -> Clip:
    """Finds where a clip can start, and says which frames have no region.

    Frames before the first region are left out. Frames without a region, later on, get the tag `NO_REGION`.

    Args:
        clip: with frames and ground truth.
        source: the file of ground truth, named in findings; the clip's folder if there are several.
    """
    place = source or clip.folder
    if clip.frames:
        clip.size = clip.size or frames.size(clip.frames[0])
    if clip.errors or not clip.targets:
        return clip
    length = len(clip.rows)
    missing: set[int] = set(range(length))
    first = length
    for name in clip.targets:
        reasons = [_unusable(row, clip.size) for row in clip.objects[name]]
        of = f", object {name}" if len(clip.targets) > 1 else ""
        for reason in dict.fromkeys(filter(None, reasons)):
            rows = [row for row, each in zip(clip.objects[name], reasons, strict=True) if each == reason]
            clip.add(f"{place}{of}{_lines(rows)}: no region: {reason}")
        missing &= {index for index, reason in enumerate(reasons) if reason}
        first = min(first, next((index for index, reason in enumerate(reasons) if not reason), length))
    if first == length:
        return clip.fail(f"{place}: no frame has a region to start from")
    if first and clip.frames:
        clip.add(f"{clip.name} starts at frame {first + 1} of {length}: the ones before have no region to start from")
        _cut(clip, first)
    if missing := {index - first for index in missing if index >= first}:
        clip.fitted = True
        clip.tags[NO_REGION] = [index in missing for index in range(len(clip.rows))]
        for name, numbers in clip.values.items():
            if moved := [index for index in sorted(missing) if name == "anchor" and numbers[index]]:
                clip.add(f"{clip.name}: anchor at frame {ranges([each + 1 for each in moved])}, which has no region")
                clip.values[name] = [0.0 if index in moved else value for index, value in enumerate(numbers)]
    return clip


def _unusable(row: TruthRow, size: tuple[int, int] | None) -> str:
    """Why no tracker can be started with a row; empty where one can."""
    if row.bounds is None:
        return row.absent
    left, top, right, bottom = row.bounds
    if size and (right <= 0 or bottom <= 0 or left >= size[0] or top >= size[1]):
        return f"outside the frame of {size[0]} x {size[1]}"
    return ""


def _lines(rows: list[TruthRow]) -> str:
    """The lines of a file, as text; nothing where rows have no line."""
    known = [row.line for row in rows if row.line]
    return f", line{'s' if len(known) > 1 else ''} {ranges(known)}" if known else ""


def _cut(clip: Clip, first: int) -> None:
    """Leaves out the frames before one."""
    clip.fitted = True
    clip.channels = {name: found[first:] for name, found in clip.channels.items()}
    clip.objects = {name: rows[first:] for name, rows in clip.objects.items()}
    clip.tags = {name: marks[first:] for name, marks in clip.tags.items()}
    clip.values = {name: numbers[first:] for name, numbers in clip.values.items()}
