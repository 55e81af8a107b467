"""Downloads a stack's dataset: archives named by a description, gone on with where they broke off, and checked.

The toolkit's own download counts a sequence as whole although one of its archives failed, and begins an archive anew
after every break. The files are the same.
"""

import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from attrax_vot.errors import EvaluationError
from attrax_vot.files import write_whole
from attrax_vot.weights import fetch

# The folder of what is not whole yet, in that of the sequences.
PARTS = ".download"
# Bytes of a description at most.
LARGEST = 16 << 20
# What names of sequences and channels are: nothing that leads out of the folder.
NAME = re.compile(r"(?!\.)[\w .()+-]+")

Say = Callable[[str], None]


def say(line: str) -> None:
    """Prints a line."""
    print(line, flush=True)


def download(directory: Path, stack: str, report: Say = say) -> None:
    """Downloads a stack's dataset into a workspace, unless it is there.

    Args:
        directory: of the workspace.
        stack: of the toolkit, or an own one in the workspace.
        report: is called with a line for each sequence.

    Raises:
        EvaluationError: the stack is unknown, has no dataset, or some of it could not be downloaded. What has arrived
            is kept, and a later call goes on from there.
    """
    from attrax_vot.run import workspace

    address = workspace.read_stack(stack).get("dataset")
    if not address:
        raise EvaluationError(f"stack {stack} names no dataset; give one with --dataset")
    place = directory / "sequences"
    place.mkdir(parents=True, exist_ok=True)
    if (place / "list.txt").is_file():
        return
    if urlsplit(address).path.endswith(".json"):
        _described(address, place, report)
    else:
        _by_toolkit(address, place)
    if not any(place.iterdir()):
        raise EvaluationError(f"the toolkit downloaded nothing from {address}; give a copy with --dataset")


def _by_toolkit(address: str, place: Path) -> None:
    """Lets the toolkit download what has no description."""
    from vot.workspace import Workspace

    try:
        Workspace.download_dataset(address, str(place))
    except Exception as error:
        raise EvaluationError(
            f"the toolkit could not download {address} ({error}); give a copy on disk with --dataset"
        ) from error


def _described(address: str, place: Path, report: Say) -> None:
    """Downloads the missing sequences of a description, and lists all once they are complete.

    Raises:
        EvaluationError: the description or a sequence cannot be had; the others are downloaded first.
    """
    parts = place / PARTS
    parts.mkdir(exist_ok=True)
    sequences = _description(address, parts)
    failed = []
    for number, sequence in enumerate(sequences, 1):
        head = f"{number} of {len(sequences)}: {sequence['name']}"
        if _whole(place / sequence["name"], sequence):
            report(f"{head}: is there")
            continue
        try:
            size = _sequence(address, sequence, place, report)
        except EvaluationError as error:
            failed.append(sequence["name"])
            report(f"{head}: {error}")
        else:
            report(f"{head}: {size / 1e6:.1f} MB")
    if failed:
        raise EvaluationError(
            f"{len(failed)} of {len(sequences)} sequences could not be downloaded from {address}: {', '.join(failed)}; "
            "the same command goes on from there, or give a copy on disk with --dataset"
        )
    write_whole(place / "list.txt", "".join(f"{sequence['name']}\n" for sequence in sequences))
    shutil.rmtree(parts)


def _description(address: str, parts: Path) -> list[dict[str, Any]]:
    """The sequences that a description lists.

    Raises:
        EvaluationError: it cannot be had, or is no description.
    """
    file = parts / "description.json"
    # What is there may be of another day.
    for old in (file, file.with_name(f"{file.name}.partial")):
        old.unlink(missing_ok=True)
    try:
        if fetch.fetch(address, (), file).length > LARGEST:
            raise EvaluationError(f"{address} is too large for a description of a dataset")
        sequences = json.loads(file.read_bytes())["sequences"]
        for each in sequences:
            each["fps"], each["annotations"]["url"], each["annotations"]["uid"]
            for name in (each["name"], *each["channels"]):
                if not NAME.fullmatch(name):
                    raise EvaluationError(f"{address}: '{name}' cannot be the name of a sequence or channel")
            for channel in each["channels"].values():
                channel["url"]
    except fetch.NetworkError as error:
        raise EvaluationError(f"{error}; give a copy of the dataset on disk with --dataset") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise EvaluationError(f"{address} is not a description of a dataset: {error!r}") from error
    return sequences


def _whole(folder: Path, sequence: dict[str, Any]) -> bool:
    """Whether a sequence is there: its file `sequence` is written when all else is."""
    file = folder / "sequence"
    return file.is_file() and f"uid={sequence['annotations']['uid']}" in file.read_text().splitlines()


def _archives(address: str, sequence: dict[str, Any], parts: Path) -> Iterator[tuple[str, str, Path, dict[str, Any]]]:
    """The archives of a sequence: their folder in it, address, file and description."""
    described = [("", sequence["annotations"]), *sequence["channels"].items()]
    for name, archive in described:
        file = parts / f"{sequence['name']}-{name or 'annotations'}.zip"
        yield name, urljoin(address, archive["url"]), file, archive


def _sequence(address: str, sequence: dict[str, Any], place: Path, report: Say) -> int:
    """Downloads a sequence, and gives the bytes of its archives.

    Raises:
        EvaluationError: an archive cannot be had or is damaged.
    """
    folder, size = place / sequence["name"], 0
    archives = list(_archives(address, sequence, place / PARTS))
    for name, url, archive, described in archives:
        size += fetch.fetch(url, (), archive).length if not archive.exists() else archive.stat().st_size
        _unpack(archive, url, folder / name, described, report)
    lines = {"name": sequence["name"], "fps": sequence["fps"], "format": "default"}
    lines |= {f"channels.{name}": f"{name}/{each.get('pattern', '')}" for name, each in sequence["channels"].items()}
    lines["uid"] = sequence["annotations"]["uid"]
    write_whole(folder / "sequence", "".join(f"{key}={value}\n" for key, value in lines.items()))
    for _, _, archive, _ in archives:
        archive.unlink(missing_ok=True)
    return size


def _unpack(archive: Path, url: str, folder: Path, described: dict[str, Any], report: Say) -> None:
    """Unpacks an archive, every file checked by its checksum; a damaged one is removed.

    Raises:
        EvaluationError: it is damaged.
    """
    try:
        with zipfile.ZipFile(archive) as files:
            size = sum(each.file_size for each in files.infolist())
            # What leads out of the folder is moved into it by `extractall`.
            files.extractall(folder)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError) as error:
        archive.unlink()
        raise EvaluationError(f"{url} is damaged ({error}); it is downloaded anew the next time") from error
    declared = described.get("uncompressed")
    if isinstance(declared, int) and declared != size:
        report(f"odd: {url} holds {size} bytes, its description says {declared}")
