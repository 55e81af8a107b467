"""Reads TOML: Python has it from 3.11 on, before that it comes as a package."""

import sys

if sys.version_info >= (3, 11):
    from tomllib import loads
else:
    from tomli import loads

__all__ = ["loads"]
