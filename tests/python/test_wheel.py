"""The wheel, installed where there is neither compiler nor clone nor cargo."""

import configparser
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from conftest import PROJECT

BINARY = PROJECT / "out" / "bin" / "attrax"
QUICK = PROJECT / "tests" / "data" / "quick.toml"
# All else that is needed is the main environment's; these two must lie beside attrax.
BESIDE = ("torch", "nvidia")
BYTES = 8_000_000

pytestmark = pytest.mark.skipif(not BINARY.is_file(), reason="skipped: out/bin/attrax is not built")


class Environment:
    """A virtual environment, whose programs are all that PATH has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables = {"PATH": str(folder / "bin"), "HOME": str(folder), "LANG": "C.UTF-8"}

    def run(self, program: str, *arguments: str | Path, cwd: Path) -> str:
        """What a program prints; it must succeed."""
        done = subprocess.run(
            [self.folder / "bin" / program, *arguments],
            cwd=cwd, env=self.variables, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def wheel() -> Path:
    """The wheel, made anew."""
    pytest.importorskip("auditwheel", reason="skipped: there is no auditwheel here; `make setup` brings it")
    subprocess.run([PROJECT / "scripts" / "wheel"], check=True, capture_output=True, timeout=300)
    return next((PROJECT / "dist").glob("attrax-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel in it."""
    folder = tmp_path_factory.mktemp("wheel") / "env"
    venv.create(folder, with_pip=False)
    main = Path(os.__file__).parent / "site-packages" if sys.prefix == sys.base_prefix else _site(Path(sys.prefix))
    site = _site(folder)
    (site / "others.pth").write_text(f"{main}\n")
    for name in BESIDE:
        (site / name).symlink_to(main / name)
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", folder / "bin" / "python"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", wheel], check=True, timeout=120)
    return Environment(folder)


def _site(environment: Path) -> Path:
    return next(environment.glob("lib/python3*/site-packages"))


def test_the_wheel_is_small_and_says_where_it_runs(wheel: Path) -> None:
    assert wheel.stat().st_size < BYTES
    assert wheel.name.endswith("-py3-none-manylinux_2_34_x86_64.whl")


def test_attrax_runs(installed: Environment, demo: Path, tmp_path: Path) -> None:
    assert "device" in installed.run("attrax", "info", cwd=tmp_path)
    frames = sorted((demo / "turning" / "color").iterdir())[:3]
    printed = installed.run("attrax", "track", "--config", QUICK, "--box", "58,51,64,78", *frames, cwd=tmp_path)
    assert len(printed.splitlines()) == 1 + len(frames)


def test_python_tracks(installed: Environment, demo: Path, tmp_path: Path) -> None:
    frames = [str(path) for path in sorted((demo / "turning" / "color").iterdir())[:2]]
    program = (
        "from attrax import Tracker; import attrax, sys\n"
        f"with Tracker(config={str(QUICK)!r}) as t:\n"
        f"    t.init({frames[0]!r}, (58, 51, 64, 78)); print(*t.update({frames[1]!r}).box)\n"
        "print(attrax.__file__)\n"
    )
    boxes, place = installed.run("python", "-c", program, cwd=tmp_path).splitlines()
    assert len(boxes.split()) == 4
    assert Path(place).is_relative_to(installed.folder)


def test_verify_finds_everything(installed: Environment, tmp_path: Path) -> None:
    printed = installed.run("attrax-vot", "verify", "--tracker", "DATfast", cwd=tmp_path)
    assert "FAIL" not in printed
    assert str(installed.folder) in printed


def test_the_toolkit_drives_the_installed_registration(installed: Environment, tmp_path: Path) -> None:
    own = next(installed.folder.glob("lib/python3*/site-packages/attrax/trackers.ini"))
    registry = configparser.ConfigParser()
    registry.read(own)
    # The same, but for parameters that answer at once.
    registry["DAT"]["command"] += f" --config {QUICK}"
    quick = tmp_path / "quick.ini"
    with quick.open("w") as file:
        registry.write(file)
    printed = installed.run("attrax-vot", "demo", "demo", "--registry", quick, "--tracker", "DAT", cwd=tmp_path)
    assert "turning" in printed
    assert (tmp_path / "demo" / "summary.json").is_file()
