"""The C of the kernels by other compilers and on another processor: the numbers of one program are those of the others.

The tests of `attrax-kernels` compare this processor's widths with plain loops.
"""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import PROJECT, installed

KERNELS = PROJECT / "crates/attrax-kernels"
# Name, lanes and flags of widths, as in the crate's build.rs.
SSE2, NEON, PORTABLE = ("sse2", 8, ("-msse2",)), ("neon", 8, ()), ("portable", 16, ())


def flags(width: tuple[str, int, tuple[str, ...]]) -> list[str]:
    """The compiler's arguments for a width."""
    name, lanes, more = width
    return ["-std=gnu11", "-Wno-psabi", f"-DATTRAX_WIDTH={name}", f"-DATTRAX_LANES={lanes}", *more]


def replayed(compiler: list[str], width: tuple[str, int, tuple[str, ...]], emulator: list[str], folder: Path) -> tuple:
    """The numbers and the recorded bits that a width's kernels compute."""
    folder.mkdir()
    program, bits = folder / "replay", folder / "bits"
    # A quick compilation: the kernels are the same functions.
    subprocess.run([*compiler, "-O1", *flags(width), str(KERNELS / "tests/cross/replay.c"), "-o", program], check=True)
    found = subprocess.run([*emulator, program, bits], check=True, stdout=subprocess.PIPE).stdout
    return np.frombuffer(found, np.float32), np.unpackbits(np.fromfile(bits, np.uint8))


def same(found: tuple, expected: tuple) -> None:
    """Asserts that numbers and bits are equal but for rounding."""
    assert found[0].size == expected[0].size > 100_000
    assert np.isfinite(expected[0]).all() and np.abs(expected[0]).mean() > 1
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-3, atol=1e-3)
    assert expected[1].size > 100_000 and 0.1 < expected[1].mean() < 0.9
    assert (found[1] != expected[1]).mean() < 1e-4


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple]:
    """What this machine's compiler and processor compute, by the number of lanes."""
    if not (compiler := shutil.which("cc")):
        pytest.skip("skipped: there is no C compiler")
    eight = SSE2 if subprocess.run(["uname", "-m"], capture_output=True, text=True).stdout.strip() == "x86_64" else NEON
    folder = tmp_path_factory.mktemp("here")
    return {width[1]: replayed([compiler], width, [], folder / width[0]) for width in (eight, PORTABLE)}


def test_aarch64_computes_the_same(here: dict[int, tuple], tmp_path: Path) -> None:
    """Kernels for NEON, cross-compiled and run by an emulator."""
    compiler = installed("gcc-aarch64-linux-gnu", "aarch64-linux-gnu-gcc", also=["libc6-dev-arm64-cross"])
    emulator = installed("qemu-user", "qemu-aarch64")
    for width in (NEON, PORTABLE):
        same(replayed([compiler, "-static"], width, [emulator], tmp_path / width[0]), here[width[1]])


def test_clang_compiles_the_kernels(here: dict[int, tuple], tmp_path: Path) -> None:
    """Clang's numbers where clang is installed; elsewhere libclang, which bindgen uses, reads the sources."""
    if clang := shutil.which("clang"):
        same(replayed([clang], PORTABLE, [], tmp_path / "clang"), here[16])
        return
    cindex = pytest.importorskip("clang.cindex", reason="skipped: there is neither clang nor libclang")
    asked = subprocess.run(["cc", "-print-file-name=include"], capture_output=True, text=True, check=True)
    for source in ("block.c", "stem.c", "crop.c"):
        for width in (PORTABLE, NEON):
            arguments = [*flags(width), "-Wall", "-isystem", asked.stdout.strip()]
            unit = cindex.Index.create().parse(KERNELS / "c" / source, args=arguments)
            problems = [str(problem) for problem in unit.diagnostics if problem.severity >= cindex.Diagnostic.Warning]
            assert not problems, f"{source}, {width[0]}: {problems}"
