"""`python -m attrax_vot`."""

import sys

from attrax_vot.cli import main

if __name__ == "__main__":
    sys.exit(main())
