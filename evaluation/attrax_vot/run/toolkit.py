"""The one place that loads the VOT toolkit, with the settings that this package needs.

The toolkit reads its settings from the environment when it is first used, so everything here that needs it
says `from attrax_vot.run import toolkit` before it says `import vot`.
"""

import logging
import os

# Analyses kept on disk are found again by tracker and sequence, not by what the results hold: after
# another repetition they would still say what they said before it.
os.environ["VOT_PERSISTENT_CACHE"] = "false"
# No windows: figures are only written to files.
os.environ.setdefault("MPLBACKEND", "Agg")

from vot import get_logger, toolkit_version

from attrax_vot.errors import EvaluationError

__all__ = ["VERSION", "EvaluationError"]

get_logger().setLevel(logging.WARNING)

VERSION = toolkit_version()
