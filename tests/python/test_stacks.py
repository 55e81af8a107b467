"""The challenges' stacks, on six frames of the demo: attrax-vot runs all their experiments, under the pinned toolkit
and under the newest, and leaves the same trajectories. At one frame a second the tracker is never late."""

import shutil
from pathlib import Path

import pytest
from conftest import JITTER, jitter_registry
from toolkits import PINNED, VERSIONS, excerpt, finish, start

# Each with the trajectories that its experiments leave of one sequence by one tracker.
STACKS = {
    "vot2013=one": 1,
    "vot2014=one": 1,
    "vot2015/rgb=one": 1,
    "vot2016/rgb=one": 2,
    "vot2017=one": 3,
    "vot2018/shortterm=one": 3,
    "vot2019/shortterm=one": 3,
    "vot2020/shortterm=one": 7,
    "vot2021/shortterm=one": 7,
    "vot2022/shorttermbox=one": 7,
    "vots2023=several": 4,
    "vots2024/main=several": 4,
}
# An object that is not there from the beginning.
LATE = "vots2023=late"
NEWEST = VERSIONS[-1]
PROGRAM = "import runpy, sys\nsys.argv = sys.argv[1:]\nrunpy.run_path(sys.argv[0], run_name='__main__')"


def shifted(line: str) -> str:
    """A polygon, twelve pixels to the left."""
    numbers = [float(number) for number in line.split(",")]
    return ",".join(f"{value - 12 * (index % 2 == 0):.2f}" for index, value in enumerate(numbers))


@pytest.fixture(scope="module")
def ran(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, dict[str, str]]]:
    """For each version its folder, and what it said of each stack."""
    folders = {version: tmp_path_factory.mktemp(version) for version in (PINNED, NEWEST)}
    running = {}
    for version, folder in folders.items():
        registry = jitter_registry(folder)
        section = registry.read_text()
        registry.write_text(f"{section}\n{section.replace('[Jitter]', '[Several]')}env_several = 1\n")
        excerpt(demo, folder / "one", ["turning"], list(range(6)), fps=1)
        (truth,) = excerpt(demo, folder / "several", ["turning"], list(range(6)), fps=1).glob("*/groundtruth.txt")
        lines = truth.read_text().split()
        truth.with_name("groundtruth_right.txt").write_text("".join(f"{line}\n" for line in lines))
        truth.with_name("groundtruth_left.txt").write_text("".join(f"{shifted(line)}\n" for line in lines))
        truth.unlink()
        shutil.copytree(folder / "several", folder / "late")
        (folder / "late" / "turning" / "groundtruth_left.txt").write_text(
            "".join(f"{shifted(line) if frame > 2 else 0}\n" for frame, line in enumerate(lines))
        )
        running[version] = start(version, PROGRAM, JITTER.with_name("stacks_program.py"), folder, *STACKS, LATE)
    said = {version: [line.partition(" ") for line in finish(each).splitlines()] for version, each in running.items()}
    return {version: (folders[version], {name: rest for name, _, rest in said[version]}) for version in folders}


def trajectories(folder: Path, stack: str) -> dict[str, bytes]:
    """Every trajectory of a stack's workspace."""
    results = folder / stack.replace("/", "-") / "results"
    return {str(path.relative_to(results)): path.read_bytes() for path in results.rglob("*.bin")}


@pytest.mark.parametrize("stack", STACKS)
def test_every_experiment_runs(ran: dict[str, tuple[Path, dict[str, str]]], stack: str):
    for version, (_, said) in ran.items():
        assert said[stack] == "", version
    found = {version: trajectories(folder, stack) for version, (folder, _) in ran.items()}
    assert len(found[PINNED]) == STACKS[stack], sorted(found[PINNED])
    assert found[PINNED] == found[NEWEST]


def test_an_object_that_appears_later(ran: dict[str, tuple[Path, dict[str, str]]]):
    assert "follows no object that appears after the first frame" in ran[PINNED][1][LATE]
    folder, said = ran[NEWEST]
    assert said[LATE] == ""
    assert len(trajectories(folder, LATE)) == 4
