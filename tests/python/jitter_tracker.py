"""A tracker for tests: it stays where it was put, but for a jitter drawn from the count of initialisations.

It speaks TraX through the reference implementation. Where `FAIL_IN` is set, its process ends without a
word at the sixth frame of the sequence of that name; `DELAY` is how many seconds it takes over each frame;
where `GATE` is set, every repetition after the first waits until there is a file of that name;
with `SEVERAL` it takes several objects. Whatever flags and properties it is given make it another one: its
draws depend on them too. With `--drift=N` the boxes move N pixels to the right in each frame, and
with `--lost=N` the confidence is below 0 in every N-th frame after an initialisation.
"""

import os
import random
import sys
import time
from pathlib import Path

import trax


def main() -> None:
    """Serves until the client quits."""
    count = int(os.environ.get("ATTRAX_INITIALIZATIONS", "0"))
    fail_in = os.environ.get("FAIL_IN")
    delay = float(os.environ.get("DELAY", "0"))
    server = trax.Server(
        [trax.Region.RECTANGLE], [trax.Image.PATH], tracker_name="jitter", multiobject="SEVERAL" in os.environ
    )
    flags = dict(word.split("=", 1) for word in sys.argv[1:] if "=" in word)
    drift, lost = float(flags.get("--drift", "0")), int(flags.get("--lost", "0"))
    draw, boxes, age = random.Random(0), [], 0
    while True:
        request = server.wait()
        if request.type not in ("initialize", "frame"):
            return
        if request.type == "initialize":
            properties = request.properties.dict()
            words = [*sys.argv[1:], *(f"{name}={value}" for name, value in sorted(properties.items()))]
            draw = random.Random(f"{words} {count}" if words else count)
            if "GATE" in os.environ and count and Path(request.image["color"].path()).stem == "00000001":
                while not Path(os.environ["GATE"]).exists():
                    time.sleep(0.02)
            count, age, boxes = count + 1, 0, []
            print(f"initialisation {count}", file=sys.stderr, flush=True)
        boxes += [region.bounds() for region, _ in request.objects or []]
        age += 1
        time.sleep(delay)
        if fail_in and age > 5 and f"/{fail_in}/" in request.image["color"].path():
            os._exit(3)
        answer = []
        for x, y, width, height in boxes:
            place = x + draw.uniform(-3, 3), y + draw.uniform(-3, 3)
            sure = "-0.5" if lost and (age - 1) % lost == 0 else "0.5"
            answer.append(
                (trax.Rectangle.create(place[0] + drift * (age - 1), place[1], width, height), {"confidence": sure})
            )
        server.status(answer)


if __name__ == "__main__":
    main()
