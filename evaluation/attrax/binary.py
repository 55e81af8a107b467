"""The command `attrax`."""

import os
import sys

from attrax_vot.program import binary


def main() -> None:
    """Replaces this process by the program."""
    program = str(binary())
    os.execv(program, [program, *sys.argv[1:]])
