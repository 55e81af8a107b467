"""Downloading weights: resumed where a download broke off, checked, and in place only when whole."""

import email.message
import hashlib
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from attrax_vot import __version__
from attrax_vot.checksums import digests
from attrax_vot.errors import EvaluationError

#: VGG-M by the authors of MatConvNet.
URL = "https://www.vlfeat.org/matconvnet/models/imagenet-vgg-m.mat"
FILE = "imagenet-vgg-m.mat"
#: The MD5 checksums of MatConvNet's documentation, from beta 25 back to beta 17.
MD5 = ("29294d5f62578c96a3533859514235f2", "1c164950e882b4ea11623e669a86b1c4", "b4e8616c0ab66b1fda72854226f82d02")

#: How often a download that broke off is taken up again, as long as each attempt brought something.
ATTEMPTS = 5
#: Seconds that a silent server is waited for.
PATIENCE = 30.0

OnBytes = Callable[[int, int | None], None]


class Fetched(NamedTuple):
    """What was downloaded."""

    #: The file's length in bytes.
    length: int
    #: How many of them had been there before: a part of an earlier download, or all of the file.
    resumed: int
    md5: str
    sha256: str
    #: Whether the MD5 checksum is one of the expected ones.
    verified: bool


class NetworkError(EvaluationError):
    """There is no connection, or it broke. What has arrived is kept, and the next attempt goes on from there."""

    def __init__(self, url: str, reason: object) -> None:
        """What was to be downloaded, and what went wrong."""
        super().__init__(f"cannot download {url}: {' '.join(str(reason).split())}")


def fetch(url: str, md5: tuple[str, ...], target: Path, progress: OnBytes = lambda _done, _total: None) -> Fetched:
    """Downloads to the file `target`, which appears only when it is whole and, where `md5` is given, the right one.

    Until then the bytes are in a file next to it, whose name ends in `.partial`. `progress` is called with the number
    of these bytes and, where the server says it, the number of all.

    Raises:
        NetworkError: where the connection fails; a later call goes on from there.
        EvaluationError: where another file is there, or arrived, or the server refuses.
    """
    if target.exists():
        there = _checksums(target, md5)
        if there.verified:
            return there._replace(resumed=there.length)
        raise EvaluationError(
            f"{target}: is there already, and is not the file at {url}; remove it or choose another name"
        )
    partial = target.with_name(target.name + ".partial")
    resumed = _fill(url, partial, progress)
    found = _checksums(partial, md5)._replace(resumed=resumed)
    if md5 and not found.verified:
        partial.unlink()
        raise EvaluationError(f"{url}: its MD5 is {found.md5}, expected {' or '.join(md5)}")
    partial.replace(target)
    return found


def _fill(url: str, partial: Path, progress: OnBytes) -> int:
    """Fills the partial file; gives the length that it had before."""
    before = _length(partial)
    for attempt in range(1, ATTEMPTS + 1):
        start = _length(partial)
        try:
            _request(url, partial, start, progress)
            break
        except NetworkError:
            if attempt == ATTEMPTS or _length(partial) <= start:
                # An empty partial file would only puzzle.
                if _length(partial) == 0:
                    partial.unlink(missing_ok=True)
                raise
    return min(before, _length(partial))


def _request(url: str, partial: Path, start: int, progress: OnBytes) -> None:
    """One request, from byte `start` on."""
    headers = {"User-Agent": f"attrax/{__version__}"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        request = urllib.request.Request(url, headers=headers)
        if request.type not in ("http", "https"):
            raise NetworkError(url, "is no http or https address")
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            if response.status == http.HTTPStatus.PARTIAL_CONTENT:
                first, total = _content_range(response.headers)
                if first != start:
                    raise NetworkError(url, "the server sends another part than the one asked for")
            else:
                # The server sends everything, whatever was asked for.
                start, length = 0, response.headers.get("Content-Length", "")
                total = int(length) if length.isdigit() else None
            _receive(url, response, partial, start, total, progress)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not start:
            raise EvaluationError(f"cannot download {url}: the server answers {error.code} {error.reason}") from error
        # Nothing comes after `start`: either it is all there, or the file has changed.
        if _content_range(error.headers)[1] != start:
            partial.unlink()
            _request(url, partial, 0, progress)
    except urllib.error.URLError as error:
        raise NetworkError(url, error.reason) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise NetworkError(url, error) from error


def _receive(  # noqa: PLR0913, PLR0917 - one place, called once
    url: str, response: http.client.HTTPResponse, partial: Path, start: int, total: int | None, progress: OnBytes
) -> None:
    """Writes the response's body after the first `start` bytes of the file."""
    with partial.open("r+b" if start else "wb") as file:
        file.seek(start)
        done = start
        progress(done, total)
        while block := response.read(1 << 16):
            file.write(block)
            done += len(block)
            progress(done, total)
    if total is not None and done != total:
        raise NetworkError(url, f"the connection ended after {done} of {total} bytes")


def _content_range(headers: email.message.Message) -> tuple[int | None, int | None]:
    """The first byte and the whole length in `Content-Range: bytes FIRST-LAST/LENGTH`; either may be absent."""
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(?:(\d+)|\*)", headers.get("Content-Range", "").strip())
    first, total = found.groups() if found else (None, None)
    return (int(first) if first else None, int(total) if total else None)


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _checksums(path: Path, expected: tuple[str, ...]) -> Fetched:
    """Length and checksums of a file."""
    md5, sha256 = digests(path, hashlib.md5(usedforsecurity=False), hashlib.sha256())
    return Fetched(_length(path), 0, md5, sha256, md5 in expected)
