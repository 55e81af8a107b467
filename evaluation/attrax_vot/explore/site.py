"""The answers: the page's files, scores, runs, differences and frames."""

import json
import os
import stat
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from attrax_vot.analysis import apart
from attrax_vot.explore.again import NoMapsError, Wanted, reason
from attrax_vot.explore.board import Board, number
from attrax_vot.explore.guard import Query, Refusal
from attrax_vot.explore.maps import Maps
from attrax_vot.explore.server import Content
from attrax_vot.explore.study import Study, shape

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.tracker import Tracker

SCRIPTS = ("common.js", "table.js", "curves.js", "player.js", "maps.js", "timeline.js", "explore.js")
# Bytes of a frame's file at most.
LARGEST = 64 << 20
# Seconds for which a page waits for news.
PATIENCE = 5.0
# Frames of a window in which two trackers are compared, windows of a sequence, and windows of a
# list, at most.
WINDOW, OF_EACH, OF_ALL = 30, 3, 40
LONGEST = 100_000
# First bytes of the images that browsers show.
MAGIC = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n": "image/png",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
}


class Site:
    """A workspace's page."""

    def __init__(self, study: Study, board: Board, maps: Maps) -> None:
        """Answers about a workspace."""
        self._study = study
        self._board = board
        self._maps = maps
        self._page = Content("text/html; charset=utf-8", _template("index.html"))
        self._routes = {
            "/overview": self._overview,
            "/sequence": self._sequence,
            "/run": self._run,
            "/differences": self._differences,
            "/frame": self._frame,
            "/maps": self._maps_of,
            "/maps-picture": self._maps_picture,
            "/maps-stop": self._maps_stop,
        }

    def answer(self, query: Query) -> Content:
        """The answer to a request that has the token.

        Raises:
            Refusal: there is nothing of that name.
        """
        if query.path == "/":
            return self._page
        if query.path not in self._routes:
            raise Refusal(HTTPStatus.NOT_FOUND, "there is nothing of that name")
        return self._routes[query.path](query)

    def _overview(self, query: Query) -> Content:
        return _json(self._board.document(query.number("since"), PATIENCE))

    def _sequence(self, query: Query) -> Content:
        """Ground truth of a sequence, and which repetitions there are of each tracker."""
        experiment, sequence = self._named(query)
        there = {
            each.reference: found
            for each in self._study.trackers()
            if (found := self._study.repetitions(experiment, each, sequence))
        }
        return _json(
            {
                "name": sequence.name,
                "frames": len(sequence),
                "size": list(sequence.size),
                "rate": float(sequence.metadata("fps", 30) or 30),
                "truth": [shape(region) for region in sequence.groundtruth()],
                "repetitions": there,
                "seers": [each.reference for each in self._study.trackers() if not reason(each)],
            }
        )

    def _run(self, query: Query) -> Content:
        """Regions, overlaps and scores of a repetition."""
        experiment, sequence = self._named(query)
        tracker, index = self._tracker(query, "tracker"), query.number("repetition", 1)
        if index not in self._study.repetitions(experiment, tracker, sequence):
            raise Refusal(HTTPStatus.NOT_FOUND, "there is no such repetition")
        run = self._study.playback(experiment, tracker, sequence, index)
        return _json(
            {
                "regions": run.regions,
                "states": run.states,
                "overlaps": [*map(number, run.overlaps)],
                "scores": [*map(number, run.scores)],
            }
        )

    def _differences(self, query: Query) -> Content:
        """The windows in which the first repetitions of two trackers differ most, of all sequences or of one."""
        experiment = self._experiment(query)
        first, second = self._tracker(query, "first"), self._tracker(query, "second")
        length = min(max(2, query.number("length", WINDOW)), LONGEST)
        wanted = query.text("sequence")
        found = []
        for sequence in self._study.sequences_of(experiment):
            if wanted and sequence.name != wanted:
                continue
            one, other = (self._study.record(experiment, each, sequence).values for each in (first, second))
            if not (len(one) and len(other)):
                continue
            found += [
                (sequence.name, each) for each in apart.stretches(one, other, length, OF_ALL if wanted else OF_EACH)
            ]
        found.sort(key=lambda each: -each[1].difference)
        return _json([{"sequence": name, **vars(each)} for name, each in found[:OF_ALL]])

    def _maps_of(self, query: Query) -> Content:
        """How far the maps of a frame are; with `begin` their computation starts."""
        wanted = self._wanted(query)
        if not query.number("begin"):
            return _json(self._maps.state(wanted))
        try:
            return _json(self._maps.begin(wanted))
        except NoMapsError as error:
            raise Refusal(HTTPStatus.CONFLICT, str(error)) from None

    def _maps_picture(self, query: Query) -> Content:
        """The maps of a frame."""
        data = self._maps.picture(self._wanted(query))
        if data is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "there are no maps of this frame")
        return Content("image/png", data)

    def _maps_stop(self, _: Query) -> Content:
        """Ends the computation of maps."""
        self._maps.stop()
        return _json({})

    def _wanted(self, query: Query) -> Wanted:
        """The frame of a run that a query names."""
        experiment, sequence = self._named(query)
        tracker, index = self._tracker(query, "tracker"), query.number("repetition", 1)
        if index not in self._study.repetitions(experiment, tracker, sequence):
            raise Refusal(HTTPStatus.NOT_FOUND, "there is no such repetition")
        frame = query.number("frame")
        if frame >= len(sequence):
            raise Refusal(HTTPStatus.NOT_FOUND, "there is no such frame")
        return Wanted(experiment, tracker, sequence, index, frame)

    def _frame(self, query: Query) -> Content:
        """A frame as it is on disk; as PNG where browsers do not show its format."""
        name = query.text("sequence")
        found = (self._study.sequence(experiment, name) for experiment in self._study.experiments)
        sequence, number = next(filter(None, found), None), query.number("number")
        if sequence is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "there is no such sequence")
        if number >= len(sequence):
            raise Refusal(HTTPStatus.NOT_FOUND, "there is no such frame")
        return picture(Path(sequence.frame(number).filename()), self._study.directory.resolve())

    def _named(self, query: Query) -> tuple[str, "Sequence"]:
        """The experiment and the sequence that a query names."""
        experiment, name = self._experiment(query), query.text("sequence")
        sequence = self._study.sequence(experiment, name)
        if sequence is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "there is no such sequence")
        return experiment, sequence

    def _experiment(self, query: Query) -> str:
        name = query.text("experiment")
        if name not in self._study.experiments:
            raise Refusal(HTTPStatus.NOT_FOUND, "there is no such experiment")
        return name

    def _tracker(self, query: Query, key: str) -> "Tracker":
        tracker = self._study.tracker(query.text(key))
        if tracker is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "there is no such tracker")
        return tracker


def public() -> dict[str, Content]:
    """Files of the page without any secret."""
    files = {f"/{name}": Content("text/javascript; charset=utf-8", _template(name)) for name in SCRIPTS}
    return {**files, "/explore.css": Content("text/css; charset=utf-8", _template("explore.css"))}


def picture(path: Path, workspace: Path) -> Content:
    """An image file.

    Args:
        path: of the file, which may be a link.
        workspace: that its path begins with.

    Raises:
        Refusal: it is outside of the workspace, not a regular file, too large, or not an image.
    """
    if not Path(os.path.normpath(path)).is_relative_to(workspace):
        raise Refusal(HTTPStatus.FORBIDDEN, "the frame is outside of the workspace")
    try:
        # A pipe would make the request wait.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST:
                raise Refusal(HTTPStatus.NOT_FOUND, f"{path.name} is not an image file")
            data = file.read(LARGEST)
    except OSError as error:
        raise Refusal(HTTPStatus.NOT_FOUND, f"{path.name}: {error.strerror}") from None
    kind = next((kind for magic, kind in MAGIC.items() if data.startswith(magic)), None)
    if kind is None and data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kind = "image/webp"
    if kind is not None:
        return Content(kind, data, keep=True)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        raise Refusal(HTTPStatus.NOT_FOUND, f"{path.name} is not an image that can be shown")
    return Content("image/png", cv2.imencode(".png", image)[1].tobytes(), keep=True)


def _template(name: str) -> bytes:
    return (resources.files("attrax_vot.explore") / "templates" / name).read_bytes()


def _json(value: Any) -> Content:  # noqa: ANN401 - whatever JSON holds
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return Content("application/json", text.encode())
