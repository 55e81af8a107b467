"""A tracker of ten lines, as people have them: a Python module that the toolkit starts by `traxpython`."""

import os

import trax

with trax.Server([trax.Region.RECTANGLE], [trax.Image.PATH]) as server:
    while (request := server.wait()).type in ("initialize", "frame"):
        if request.type == "initialize":
            box = request.objects[0][0]
        print(os.environ.get("NOISE", ""), end="", flush=True)
        server.status([(box, {})])
