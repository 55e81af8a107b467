"""A stub, no tracker: it replays a run that others have published, region by region, in a share of its seconds.

`REPLAY` is the folder with the published results of an experiment, and `SHARE` how much of each recorded second it
takes. The sequence is known by the frames' folder, the frame by its number. Where the recorded tracker had lost the
target, the answer is a box far outside of the frame. Repetitions differ by up to two pixels, drawn from the count of
initialisations: the toolkit ends after three that are alike, and it tells boxes apart by whole pixels.
"""

import math
import os
import random
import time
from pathlib import Path

import trax

NOWHERE = [-1000.0, -1000.0, 1.0, 1.0]


def read(sequence: Path) -> tuple[list[str], list[float]]:
    """The recorded regions and seconds of each frame; the mean where the seconds are not known."""
    regions = (sequence / f"{sequence.name}_001.txt").read_text().split()
    seconds = [float(line.split(",")[0]) for line in (sequence / f"{sequence.name}_time.txt").read_text().split()]
    known = [value for value in seconds if math.isfinite(value)]
    return regions, [value if math.isfinite(value) else sum(known) / len(known) for value in seconds]


def main() -> None:
    """Serves until the client quits."""
    folder, share = Path(os.environ["REPLAY"]), float(os.environ["SHARE"])
    server = trax.Server([trax.Region.RECTANGLE], [trax.Image.PATH], tracker_name="replay")
    regions, seconds, name = [], [], ""
    count, draw = int(os.environ.get("ATTRAX_INITIALIZATIONS", "0")), random.Random(0)
    while True:
        request = server.wait()
        if request.type not in ("initialize", "frame"):
            return
        image = Path(request.image["color"].path())
        # SEQUENCE/color/00000001.jpg, or without the folder in between.
        place = image.parent.parent if image.parent.name == "color" else image.parent
        if place.name != name:
            name = place.name
            regions, seconds = read(folder / name)
        frame = int(image.stem) - 1
        time.sleep(share * seconds[frame])
        box = [float(value) for value in regions[frame].split(",")] if "," in regions[frame] else NOWHERE
        if request.type == "initialize":
            box = request.objects[0][0].bounds()
            count, draw = count + 1, random.Random(count)
        x, y, width, height = box
        server.status([(trax.Rectangle.create(x + draw.uniform(-2, 2), y, width, height), {})])


if __name__ == "__main__":
    main()
