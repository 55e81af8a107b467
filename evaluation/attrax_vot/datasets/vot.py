"""Reads datasets in the toolkit's own layout and in variants of it."""

import re
from pathlib import Path

from attrax_vot.datasets import channels, text
from attrax_vot.datasets.clip import OBJECT, Clip, broken, fit, read_rows, settle
from attrax_vot.datasets.frames import size
from attrax_vot.datasets.truth import NOT_ANNOTATED, TruthRow
from attrax_vot.errors import EvaluationError

# Bytes of a sequence's name: files of results have it, and up to 50 bytes more, of the 255 that
# systems allow.
LONGEST_NAME = 200
# Files that make another reader of the toolkit's take the folder, or this one take them for an
# object.
OTHERS = ("meta_info.ini", "groundtruth_rect.txt")


def find_root(directory: Path) -> Path:
    """The folder that holds the sequences: the given one, or `sequences` in it.

    Raises:
        EvaluationError: there is no such folder.
    """
    if not directory.is_dir():
        raise EvaluationError(f"there is no folder {directory}")
    inner = directory / "sequences"
    if not (directory / "list.txt").is_file() and inner.is_dir():
        directory = inner
    return directory.resolve()


def find(directory: Path, names: list[str] | None = None) -> list[Clip]:
    """Reads the sequences of a dataset; errors of a sequence are in its findings.

    Args:
        directory: a folder with one folder per sequence, and perhaps a `list.txt` that names them in order.
        names: the wanted ones; all of them when there are none.

    Raises:
        EvaluationError: nothing is there, or something wanted is not.
    """
    root = find_root(directory)
    listing = root / "list.txt"
    if listing.is_file():
        try:
            known = dict.fromkeys(line.strip() for line in text.lines(text.read(listing)) if line.strip())
        except OSError as error:
            raise EvaluationError(f"{listing}: {error}") from error
    else:
        folders = sorted(path.name for path in root.iterdir() if not path.name.startswith("."))
        known = dict.fromkeys(name for name in folders if truths(root / name))
    if not known and listing.is_file():
        raise EvaluationError(f"{listing} names no sequence; list names of folders, one a line, or remove the file")
    if not known:
        raise EvaluationError(f"{root} holds no sequences: neither a list.txt nor any */groundtruth.txt{_hint(root)}")
    clips = [_read(root, listing, name) for name in wanted(root, list(known), names)]
    seen: dict[str, Path] = {}
    for clip in clips:
        if clip.name in seen:
            clip.fail(f"{clip.folder} and {seen[clip.name]} are both called {clip.name}; rename one")
        seen.setdefault(clip.name, clip.folder)
    return clips


def wanted(place: Path, known: list[str], names: list[str] | None) -> list[str]:
    """The wanted names among the known ones, in their order.

    Raises:
        EvaluationError: a wanted one is not there.
    """
    unknown = sorted(set(names or []) - set(known) - {safe(name) for name in known})
    if unknown:
        shown = ", ".join(known[:20]) + (f" and {len(known) - 20} more" if len(known) > 20 else "")
        raise EvaluationError(text.escaped(f"{place} has no sequence {', '.join(unknown)}; it has {shown}"))
    return [name for name in known if not names or name in names or safe(name) in names]


def safe(name: str) -> str:
    """The name of a sequence in a workspace, where the toolkit puts it into patterns and lists of lines."""
    # Surrogates stand for bytes outside UTF-8.
    name = re.sub(r"[\x00-\x1f\x7f%*?\[\]\\\ud800-\udfff]", "_", Path(name).name)
    return re.sub(r"^\s|\s$", "_", name)


def truths(folder: Path) -> list[Path]:
    """The files of a sequence's ground truth: `groundtruth_NAME.txt` of each object, or else `groundtruth.txt`."""
    if not folder.is_dir():
        return []
    # One by the name of `rect` is OTB's, which counts pixels from 1.
    several = [path for path in folder.iterdir() if re.fullmatch(r"groundtruth_.+\.txt", path.name)]
    several = sorted(path for path in several if not path.name.startswith("groundtruth_rect."))
    if several:
        return several
    named = folder / channels.properties(folder).get("groundtruth", "groundtruth.txt")
    return [named] if named.is_file() else []


def _hint(root: Path) -> str:
    """Advice about a folder without sequences, by its contents."""
    if (root / "groundtruth.txt").is_file():
        return f"; it is a sequence itself: give {root.parent} and --sequences {root.name}"
    if any(root.glob("groundtruth_rect*.txt")) or any(root.glob("*/groundtruth_rect*.txt")):
        return "; it has OTB's layout (groundtruth_rect.txt, img/): attrax-vot init WORKSPACE --format otb reads it"
    if any(root.glob("*/*/groundtruth.txt")):
        return "; it has sequences in folders of classes: attrax-vot init WORKSPACE --format lasot, or tnl2k, reads it"
    if (root / "anno").is_dir() or any(root.glob("*/anno")):
        return "; its ground truth is apart from the frames: --format uav123, trackingnet or nfs reads it"
    return ""


def _read(root: Path, listing: Path, name: str) -> Clip:
    """Reads a sequence by its name in the list."""
    parts = Path(name).parts
    if len(name.encode(errors="replace")) > LONGEST_NAME:
        short = f"{name[:60]}..."
        reason = f"has more than {LONGEST_NAME} bytes, and names of results are longer still; rename it"
        return broken(safe(short), root, f"{root}: the sequence '{short}' {reason}")
    if Path(name).is_absolute() or ".." in parts or not parts or "\x00" in name:
        return broken(safe(name) or "_", root, f"{listing}: '{name}' is outside the dataset; list names of its folders")
    folder = root / name
    try:
        if not folder.is_dir():
            where = f"{listing} lists '{name}', but there" if listing.is_file() else "there"
            return broken(safe(name), folder, f"{where} is no folder {folder}")
        return read_sequence(folder)
    except OSError as error:
        return broken(safe(name), folder, str(error))


def read_sequence(folder: Path) -> Clip:
    """Reads a sequence's folder."""
    clip = Clip(safe(folder.name), folder, plain=safe(folder.name) == folder.name)
    if clip.name != folder.name:
        clip.add(f"{folder} is called {clip.name} in the workspace; the toolkit cannot read its own name")
    files = truths(folder)
    if not files:
        if any(folder.glob("groundtruth_rect*.txt")):
            return clip.fail(f"{folder} has OTB's layout (groundtruth_rect.txt): attrax-vot init --format otb reads it")
        return clip.fail(f"{folder} has no groundtruth.txt")
    described = channels.properties(folder)
    _several(clip, files, described)
    clip.fps = _rate(clip, described.get("fps"))
    clip.plain &= not any((folder / name).exists() for name in OTHERS)
    if clip.errors:
        return clip
    length = len(clip.rows)
    _tags(clip, length)
    _values(clip, length)
    if clip.channels and "color" not in clip.channels:
        clip.add(f"{folder} has {' and '.join(clip.channels)}, not color: trackers of color frames cannot run on it")
    if clip.frames:
        clip.size = size(clip.frames[0])
        _compare_size(clip, described)
    return settle(clip, files[0] if len(files) == 1 else None)


def _several(clip: Clip, files: list[Path], described: dict[str, str]) -> None:
    """Reads the ground truth of each object, and the frames that the longest belongs to."""
    objects = {_object(file): read_rows(clip, file) for file in files}
    if clip.errors:
        return
    longest = max(objects, key=lambda name: len(objects[name]))
    source = files[list(objects).index(longest)]
    rows = objects[longest]
    found = channels.find(clip.folder, described)
    kept: list[TruthRow] = rows
    for channel, images in found.images.items():
        kept = fit(clip, channel, images, rows, source)
    clip.add(*found.notes)
    clip.fail(*found.errors)
    lengths = {name: len(each) for name, each in clip.channels.items()}
    if len(set(lengths.values())) > 1:
        counted = ", ".join(f"{length} of {name}" for name, length in lengths.items())
        clip.fail(f"{clip.folder}: channels have different numbers of frames: {counted}")
    for name, each in objects.items():
        if len(each) < len(rows):
            # As the toolkit does.
            clip.add(f"{clip.folder}: object {name} has {len(each)} rows of {len(rows)}: the others are not annotated")
            each.extend([NOT_ANNOTATED] * (len(rows) - len(each)))
    if kept is rows:
        clip.objects = objects
    else:
        # Rows of missing frames have gone.
        places = {id(row): place for place, row in enumerate(rows)}
        order = [places.get(id(row)) for row in kept]
        clip.objects = {
            name: [NOT_ANNOTATED if place is None else each[place] for place in order] for name, each in objects.items()
        }
    same = kept is rows or len(kept) == len(rows)
    clip.plain &= found.plain and same and all(row.plain for each in objects.values() for row in each)


def _object(file: Path) -> str:
    """The object of a file of ground truth."""
    return file.name[len("groundtruth_") : -len(".txt")] if file.name.startswith("groundtruth_") else OBJECT


def _rate(clip: Clip, given: str | None) -> int:
    """Frames a second as the sequence has them, else 30."""
    if given is None:
        return 30
    try:
        rate = float(given)
    except ValueError:
        rate = 0.0
    if not 0.5 <= rate <= 1e6:
        clip.plain = False
        clip.add(f"{clip.folder / 'sequence'}: fps={given[:40]} is not a number of frames a second; 30 is taken")
        return 30
    clip.plain &= given.strip().isdigit()
    return round(rate)


def _tags(clip: Clip, length: int) -> None:
    """Reads files of tags: a line for each frame, 1 where it has the tag."""
    for file in _files(clip, (".tag", ".label")):
        whole = text.read(file)
        clip.plain &= text.plain(file.read_bytes())
        clip.plain &= not text.ends_blank(whole)
        lines = [line.strip() for line in text.lines(whole)]
        # Fewer lines are usual: VOT's own files end with the last frame that has the tag.
        if len(lines) > length:
            clip.plain = False
            clip.add(f"{file} has {len(lines)} lines for {length} frames; the rest is left out")
        marks = [line == "1" for line in lines][:length]
        clip.tags[file.stem] = marks + [False] * (length - len(marks))


def _values(clip: Clip, length: int) -> None:
    """Reads files of values: a number for each frame."""
    for file in _files(clip, (".value",)):
        whole = text.read(file)
        clip.plain &= text.plain(file.read_bytes()) and not text.ends_blank(whole)
        words = [line.strip() for line in text.lines(whole)]
        try:
            numbers = [float(word) for word in words]
        except ValueError:
            clip.plain = False
            number, word = next((place, word) for place, word in enumerate(words, 1) if not _is_number(word))
            clip.add(f"{file}, line {number}: '{word[:40]}' is not a number; the file is left out")
            continue
        if len(numbers) > length:
            clip.plain = False
            clip.add(f"{file} has {len(numbers)} values for {length} frames; the rest is left out")
        clip.values[file.stem] = numbers[:length] + [0.0] * (length - len(numbers))


def _files(clip: Clip, suffixes: tuple[str, ...]) -> list[Path]:
    """The files of a sequence with one of some suffixes, those that a system hides left out."""
    found = sorted(path for path in clip.folder.iterdir() if path.suffix in suffixes and path.is_file())
    return [path for path in found if not path.name.startswith(".")]


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _compare_size(clip: Clip, described: dict[str, str]) -> None:
    """Compares the size that a sequence states with that of its first frame."""
    stated = (described.get("width"), described.get("height"))
    if None in stated or clip.size is None:
        return
    if stated != tuple(map(str, clip.size)):
        clip.plain = False
        clip.add(
            f"{clip.folder / 'sequence'} says {stated[0]} x {stated[1]}; {clip.frames[0].name} has "
            f"{clip.size[0]} x {clip.size[1]}, which is taken"
        )
