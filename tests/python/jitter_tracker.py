"""A tracker for tests: it stays where it was put, but for a jitter drawn from the count of initialisations.

It speaks TraX through the reference implementation. Where `FAIL_IN` is set, its process ends without a
word at the sixth frame of the sequence of that name; `DELAY` is how many seconds it takes over each frame.
Whatever flags it is given make it another one: its draws depend on them too.
"""

import os
import random
import sys
import time

import trax


def main() -> None:
    """Serves until the client quits."""
    count = int(os.environ.get("ATTRAX_INITIALIZATIONS", "0"))
    fail_in = os.environ.get("FAIL_IN")
    delay = float(os.environ.get("DELAY", "0"))
    server = trax.Server([trax.Region.RECTANGLE], [trax.Image.PATH], tracker_name="jitter")
    draw, box, age = random.Random(0), (0.0, 0.0, 1.0, 1.0), 0
    while True:
        request = server.wait()
        if request.type not in ("initialize", "frame"):
            return
        if request.type == "initialize":
            box = request.objects[0][0].bounds()
            draw = random.Random(f"{sys.argv[1:]} {count}" if sys.argv[1:] else count)
            count, age = count + 1, 0
            print(f"initialisation {count}", file=sys.stderr, flush=True)
        age += 1
        time.sleep(delay)
        if fail_in and age > 5 and f"/{fail_in}/" in request.image["color"].path():
            os._exit(3)
        x, y = (value + draw.uniform(-3, 3) for value in box[:2])
        server.status([(trax.Rectangle.create(x, y, *box[2:]), {"confidence": "0.5"})])


if __name__ == "__main__":
    main()
