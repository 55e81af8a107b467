"""`attrax-vot weights`: converting, inspecting and downloading files of network weights."""

import argparse
from pathlib import Path
from typing import Any

from attrax_vot.errors import EvaluationError
from attrax_vot.weights import fetch, files, lrn
from attrax_vot.weights.errors import WeightsError, one_line
from attrax_vot.weights.formats import Format
from attrax_vot.weights.vgg_m import EFFICIENTNET_LITE0, Weights, statistics


def run(options: argparse.Namespace) -> int:
    """Does what the command says; gives the exit status."""
    {"convert": _convert, "inspect": _inspect, "fetch": _fetch}[options.action](options)
    return 0


def _convert(options: argparse.Namespace) -> None:
    """Reads weights of any format and writes them as safetensors."""
    if options.output.exists() and options.input.exists() and options.output.samefile(options.input):
        raise WeightsError(options.input, "is both the file to read and the file to write")
    weights = files.read(options.input)
    files.write(weights, options.output)
    numbers = sum(array.size for array in weights.tensors.values())
    print(f"{options.output}: {len(weights.tensors)} tensors, {numbers} numbers; use it with attrax --weights")
    print(_normalisation(weights))


def _inspect(options: argparse.Namespace) -> None:
    """Prints a file's metadata and tensors, and whether the tracker takes them."""
    kind, found = files.inspect(options.file)
    numbers = sum(array.size for array in found.tensors.values())
    print(f"{options.file}: {kind}, {len(found.tensors)} tensors, {numbers} numbers")
    for key, value in sorted(found.metadata.items()):
        print(f"  {one_line(key)} = {one_line(value)}")
    rows = [(one_line(name), " x ".join(map(str, array.shape)), array) for name, array in sorted(found.tensors.items())]
    widths = [max(len(row[i]) for row in [("tensor", "shape"), *rows]) for i in range(2)]
    heads = "  ".join(f"{head:>11}" for head in ("minimum", "maximum", "mean", "deviation"))
    print(f"{'tensor':{widths[0]}}  {'shape':{widths[1]}}  {heads}")
    for name, shape, array in rows:
        *four, broken = statistics(array).values()
        line = "  ".join(f"{number:>11.4e}" for number in four)
        print(f"{name:{widths[0]}}  {shape:{widths[1]}}  {line}" + (f"  {broken} not finite" if broken else ""))
    print(_verdict(options.file, kind))


def _verdict(path: Path, kind: Format) -> str:
    """Whether the tracker could use the file, in one line."""
    try:
        weights = files.read(path)
    except WeightsError as error:
        return f"not usable by attrax: {error}"
    if weights.metadata.get("architecture") == EFFICIENTNET_LITE0:
        return f"usable with attrax --weights as {EFFICIENTNET_LITE0}"
    usable = "usable with attrax --weights" if kind is Format.SAFETENSORS else "usable after attrax-vot weights convert"
    return f"{usable} as vgg-m; {_normalisation(weights)}"


def _normalisation(weights: Weights) -> str:
    """The response normalisation in one line."""
    return str(lrn.recorded(weights.metadata, weights.path))


def _fetch(options: argparse.Namespace) -> None:
    """Downloads with a progress bar, and says what came."""
    from tqdm import tqdm

    target: Path = options.out or Path(fetch.FILE)
    if target.is_dir():
        raise EvaluationError(f"{target}: is a folder; name a file with --out")
    url, md5 = options.url or fetch.URL, () if options.unverified else fetch.MD5
    try:
        with tqdm(unit="B", unit_scale=True, unit_divisor=1024, disable=None, leave=False) as bar:
            found = fetch.fetch(url, md5, target, _advance(bar))
    except fetch.NetworkError as error:
        raise EvaluationError(
            f"{error}; run this again to go on, or copy the file here from a machine that can reach it"
        ) from error
    how = f", {found.resumed} of them from an earlier download" if found.resumed else ""
    print(f"{target}: {found.length} bytes{', which were there already' if found.resumed == found.length else how}")
    print(f"md5    {found.md5}, {'as published by its authors' if found.verified else 'not verified'}")
    print(f"sha256 {found.sha256}")
    print(f"next: attrax-vot weights convert {target} vgg-m.safetensors")


def _advance(bar: Any) -> fetch.OnBytes:  # noqa: ANN401 - tqdm has no types
    """Moves a bar; what had been there before does not count as speed."""

    def advance(done: int, total: int | None) -> None:
        if bar.total is None and total is not None:
            bar.total, bar.initial = total, done
        bar.update(done - bar.n)

    return advance
