"""What the tests of `attrax.Tracker` share."""

from conftest import PROJECT

BINARY = PROJECT / "out" / "bin" / "attrax"
QUICK = PROJECT / "tests" / "data" / "quick.toml"
BOX = (58.0, 51.0, 64.0, 78.0)
OTHER = (20.0, 30.0, 40.0, 40.0)
