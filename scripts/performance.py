"""Writes docs/performance.md and summary.json from the benchmarks' results; `make bench` runs it.

The page's text from the heading "What bounds it" on is written by hand, and kept.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

import torch

NOTES = "## What bounds it"
# The stages that have bars.
FORWARD, ITERATION, CROPS = "forward efficientnet-lite0", "iteration efficientnet-lite0", "crops 640x480"
WINDOWS = "windows of a frame efficientnet-lite0"


@dataclass
class Narrow:
    """What was measured once more with AVX2 alone."""

    stages: dict[str, dict]
    whole: dict
    csrt: dict

    @classmethod
    def read(cls, folder: Path) -> "Narrow | None":
        """The results in a folder, if it exists."""
        if not folder.is_dir():
            return None
        rows, whole, csrt = (json.loads((folder / f"{name}.json").read_text()) for name in ("stages", "whole", "csrt"))
        return cls({row["stage"]: row for row in rows}, whole, csrt)


@dataclass
class Results:
    """The benchmarks' results."""

    stages: dict[str, dict]
    whole: dict
    serve: dict
    csrt: dict
    profile: str
    narrow: Narrow | None

    @classmethod
    def read(cls, folder: Path) -> "Results":
        """The results in a folder."""
        rows, whole, serve, csrt = (
            json.loads((folder / f"{name}.json").read_text()) for name in ("stages", "whole", "serve", "csrt")
        )
        stages = {row["stage"]: row for row in rows}
        profile = (folder / "profile.txt").read_text().strip()
        return cls(stages, whole, serve, csrt, profile, Narrow.read(folder / "avx2"))


VECTORS = {"avx512": "AVX-512", "avx2": "AVX2", "sse2": "SSE2", "neon": "NEON"}


def vectors() -> str:
    """The vectors that were measured: those that `ATTRAX_VECTORS` asks for, or the processor's widest."""
    if asked := os.environ.get("ATTRAX_VECTORS", "").strip():
        return VECTORS.get(asked, asked)
    text = Path("/proc/cpuinfo").read_text()
    if platform.machine() == "aarch64":
        return "NEON"
    return "AVX-512" if " avx512f " in text else "AVX2" if " avx2 " in text else "SSE2"


def processor() -> str:
    """The processor's name."""
    text = Path("/proc/cpuinfo").read_text()
    return next((line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name")), "unknown")


def machine() -> str:
    """One line about the machine."""
    load = os.getloadavg()[0]
    rust = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    return (
        f"{datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d}, {os.cpu_count()} cores of {processor()} (measured with "
        f"{vectors()}), "
        f"{platform.system()} {platform.release()}, libtorch {torch.__version__}, Rust {rust}; "
        f"load at the end {load:.1f}"
    )


def total(whole: dict, way: str, *, first: bool) -> float:
    """Seconds of the first frames of all sequences, or of all other frames."""
    lists = [sequence["seconds"][way] for sequence in whole["sequences"]]
    return sum(numbers[0] if first else sum(numbers[1:]) for numbers in lists)


def shares(stages: dict[str, dict], whole: dict) -> dict[str, float]:
    """The ratios to floors and to the plain tracker that should not depend on the vectors."""
    floors = {"forward": FORWARD, "windows": WINDOWS, "iteration": ITERATION}
    return {
        "full_dat_ratio": total(whole, "plain", first=False) / total(whole, "released", first=False),
        **{
            f"{name}_fraction_of_floor": stages[stage]["floor"] / stages[stage]["attrax"]
            for name, stage in floors.items()
        },
    }


def summarise(results: Results) -> dict[str, float | None]:
    """The numbers with bars."""
    serve, stages, whole, narrow = results.serve, results.stages, results.whole, results.narrow
    next_to_csrt = csrt_ratios(results.csrt)
    narrow_to_csrt = csrt_ratios(narrow.csrt) if narrow else dict.fromkeys(next_to_csrt)
    widest = shares(stages, whole)
    # As shares of what the widest vectors reach, on the sequences of both.
    kept: dict[str, float | None] = dict.fromkeys(widest)
    if narrow:
        names = {sequence["name"] for sequence in narrow.whole["sequences"]}
        same = {"sequences": [sequence for sequence in whole["sequences"] if sequence["name"] in names]}
        of_same = shares(stages, same)
        kept = {name: value / of_same[name] for name, value in shares(narrow.stages, narrow.whole).items()}
    return {
        **widest,
        **{f"{name}_avx2": value for name, value in kept.items()},
        "reciprocative_ratio": stages[ITERATION]["plain"] / stages[ITERATION]["attrax"],
        "fast_ratio": total(whole, "released", first=False) / total(whole, "fast", first=False),
        **next_to_csrt,
        **{f"{name}_avx2": value for name, value in narrow_to_csrt.items()},
        "initialization_ratio": total(whole, "plain", first=True) / total(whole, "released", first=True),
        "fast_initialization_seconds": total(whole, "fast", first=True) / len(whole["sequences"]),
        "peak_memory_mib": max(serve["peak_memory_mib"], serve["long_peak_memory_mib"]),
        "crops_ratio": stages[CROPS]["plain"] / stages[CROPS]["attrax"],
        "trax_overhead_ms": serve["trax_overhead_ms"],
        "hello_seconds": serve["hello_seconds"],
    }


def csrt_ratios(csrt: dict) -> dict[str, float]:
    """Ratios of the presets to CSRT."""
    trackers = csrt["trackers"]
    rate = {name: row["frames_a_second"] for name, row in trackers.items()}
    return {
        "fast_beside_csrt": rate["fast"] / rate["CSRT"],
        "default_beside_csrt": rate["default"] / rate["CSRT"],
        "fast_first_frame_in_frames_of_csrt": trackers["fast"]["first_seconds"] * rate["CSRT"],
    }


def bars_table(summary: dict[str, float | None]) -> list[str]:
    """Every bar, and whether it is reached."""
    bars = [
        ("full DAT, seconds a frame with its updates: plain / attrax", "full_dat_ratio", 13, True),
        ("the same with AVX2, as a share of it", "full_dat_ratio_avx2", 0.9, True),
        ("one reciprocative iteration: double backward / attrax", "reciprocative_ratio", 11, True),
        ("passes over windows of a frame of the default: floor / attrax", "windows_fraction_of_floor", 0.7, True),
        ("the same with AVX2, as a share of it", "windows_fraction_of_floor_avx2", 0.9, True),
        ("256-crop forward pass of the embedded network: floor / attrax", "forward_fraction_of_floor", 0.75, True),
        ("the same with AVX2, as a share of it", "forward_fraction_of_floor_avx2", 0.9, True),
        ("one reciprocative iteration: floor / attrax", "iteration_fraction_of_floor", 0.6, True),
        ("the same with AVX2, as a share of it", "iteration_fraction_of_floor_avx2", 0.9, True),
        ("seconds a frame: full DAT / `fast`", "fast_ratio", 10, True),
        (f"frames a second: `fast` / OpenCV's CSRT, {vectors()}", "fast_beside_csrt", 2.2, True),
        ("the same, AVX2", "fast_beside_csrt_avx2", 1.8, True),
        (f"frames a second: default / OpenCV's CSRT, {vectors()}", "default_beside_csrt", 1.6, True),
        ("the same, AVX2", "default_beside_csrt_avx2", 1.3, True),
        (f"first frame of `fast`, in frames of CSRT, {vectors()}", "fast_first_frame_in_frames_of_csrt", 12, False),
        ("the same, AVX2", "fast_first_frame_in_frames_of_csrt_avx2", 16, False),
        ("full DAT, initialisation: plain / attrax", "initialization_ratio", 10, True),
        ("`fast`, initialisation, s", "fast_initialization_seconds", 2, False),
        ("peak memory of the default preset on 640 x 480, MiB", "peak_memory_mib", 400, False),
        ("crops of 640 x 480: plain / attrax", "crops_ratio", 8, True),
        ("TraX overhead a frame beyond tracking and decode, ms", "trax_overhead_ms", 1, False),
        ("process start to TraX hello, warm files, s", "hello_seconds", 1, False),
    ]
    lines = ["| measure | bar | measured | reached |", "|---|---|---:|---|"]
    for name, key, bar, at_least in bars:
        value = summary[key]
        shown, reached = ("not measured", "") if value is None else (f"{value:.3g}", _reached(value, bar, at_least))
        lines.append(f"| {name} | {'>=' if at_least else '<='} {bar} | {shown} | {reached} |")
    return lines


def _reached(value: float, bar: float, at_least: bool) -> str:
    return "yes" if (value >= bar if at_least else value <= bar) else "**no**"


def stages_table(stages: dict[str, dict], narrow: Narrow | None) -> list[str]:
    """Every stage next to the plain tracker and the floor."""
    lines = [
        "| stage | attrax, ms | plain, ms | plain / attrax | floor, ms | floor / attrax | floor "
        "| AVX2: attrax, ms | floor / attrax |",
        "|---|---:|---:|---:|---:|---:|---|---:|---:|",
    ]
    for name, row in stages.items():
        ours, plain, floor = row["attrax"], row["plain"], row["floor"]
        theirs = "| |" if plain is None else f"{plain * 1e3:.3g} | {plain / ours:.2f} |"
        other = narrow.stages.get(name) if narrow else None
        less = f"{other['attrax'] * 1e3:.3g} | {other['floor'] / other['attrax']:.2f} |" if other else "| |"
        lines.append(
            f"| {name} | {ours * 1e3:.3g} | {theirs} {floor * 1e3:.3g} | {floor / ours:.2f} "
            f"| {row['floor_of']} | {less}"
        )
    return lines


def whole_table(whole: dict) -> list[str]:
    """Every tracker on each sequence."""
    lines = [
        "| sequence | frames | full DAT, s a frame | plain | ratio | full DAT, s to initialise | plain | ratio "
        "| largest difference of boxes, px | default, s a frame | s to initialise "
        "| `fast`, s a frame | s to initialise |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for sequence in whole["sequences"]:
        seconds = sequence["seconds"]
        first = {way: seconds[way][0] for way in seconds}
        count = len(seconds["plain"]) - 1
        a_frame = {way: sum(seconds[way][1:]) / count for way in seconds}
        lines.append(
            f"| {sequence['name']} | {count} | {a_frame['released']:.3f} | {a_frame['plain']:.3f} "
            f"| {a_frame['plain'] / a_frame['released']:.2f} | {first['released']:.1f} | {first['plain']:.1f} "
            f"| {first['plain'] / first['released']:.2f} | {max(sequence['apart_px'][:21]):.3f} "
            f"| {a_frame['attrax']:.3f} | {first['attrax']:.1f} | {a_frame['fast']:.3f} | {first['fast']:.1f} |"
        )
    return lines


def csrt_table(csrt: dict, narrow: Narrow | None) -> list[str]:
    """The presets next to another tracker, with each kind of vectors."""
    measured = {vectors(): csrt["trackers"]} | ({"AVX2": narrow.csrt["trackers"]} if narrow else {})
    columns = [f"{name}: frames a second | / CSRT | s to initialise" for name in measured]
    lines = [f"| tracker | {' | '.join(columns)} |", "|---|" + "---:|---:|---:|" * len(columns)]
    for name in csrt["trackers"]:
        cells = [
            f"{rows[name]['frames_a_second']:.1f} | "
            f"{rows[name]['frames_a_second'] / rows['CSRT']['frames_a_second']:.2f} | {rows[name]['first_seconds']:.2f}"
            for rows in measured.values()
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def memory_lines(serve: dict) -> list[str]:
    """Start, overhead and memory in words."""
    (_, begin), (frames, end) = serve["memory_mib"][0], serve["memory_mib"][-1]
    long = serve["long_memory_mib"]
    middle = long[len(long) // 2]
    return [
        f"From process start to hello: {serve['hello_seconds']:.3f} s, the median of five starts with warm "
        f"files. A client waits {serve['trax_overhead_ms']:.2f} ms for a frame beyond the working time that the "
        f"tracker reports (95 of 100 frames: {serve['trax_overhead_p95_ms']:.2f} ms).",
        "",
        f"`attrax serve` with default settings on 640 x 480: {begin:.0f} MiB after the initialisation, {end:.0f} MiB "
        f"after {frames} frames, at most {serve['peak_memory_mib']:.0f} MiB. It keeps the features of the samples and "
        "their frames: positives of the last 100 frames, negatives of the last 20, nothing older. "
        "A frame of 640 x 480 is 0.9 MB. With a fast configuration over a long session: "
        f"{middle[1]:.0f} MiB after {middle[0]} frames, {long[-1][1]:.0f} MiB after {long[-1][0]}.",
    ]


def page(results: Results, notes: str) -> str:
    """The whole page."""
    stages, whole, serve, csrt = results.stages, results.whole, results.serve, results.csrt
    lines = [
        "# Performance",
        "",
        '`make bench` writes this page; the sections from "What bounds it" on are written by hand. All ratios come '
        f"from one run on one machine: {machine()}.",
        "",
        "*Plain* is the same tracker written directly on libtorch's operators and autograd, as in a port of DAT "
        "(`benches/plain`). It computes the same numbers (`tests/attrax/against_plain.rs`), "
        "runs in a separate program without attrax's allocator, "
        f"and uses libtorch's own {whole['threads']} threads; attrax uses as many. The two take turns. "
        "*Floor* is a stage's arithmetic at the rate of a large matrix product, or its bytes at the rate of a large "
        "copy; both rates are measured between the samples.",
        "",
        "## Bars",
        "",
        *bars_table(summarise(results)),
        "",
        "*Full DAT* is the preset `released`: every published count, lambda 5. All rows use the embedded network. "
        "GPU figures are in the last section.",
        "",
        "## Stages",
        "",
        "Medians. An iteration is mining from 1024 samples, 64 crops, attention of both classes and one step. A "
        "block row is one block of the embedded network, run alone by its kernel: 512 inputs in sequence in each of "
        "two threads.",
        "",
        *stages_table(stages, results.narrow),
        "",
        "## Whole tracker",
        "",
        "On sequences of the demo, with the same seed for all trackers.",
        "",
        *whole_table(whole),
        "",
        f"Next to OpenCV {csrt['opencv']}'s CSRT on {csrt['frames']} frames of `{csrt['sequence']}`, taking "
        f"turns, {csrt['threads']} threads each, through Python, on {processor()}. *AVX2* is the same processor "
        "with kernels, libtorch and OpenCV kept from wider vectors:",
        "",
        *csrt_table(csrt, results.narrow),
        "",
        "## Start and memory",
        "",
        *memory_lines(serve),
        "",
        "## Profile",
        "",
        "`attrax track --profile` on the first demo sequence, two threads. *Attention* is the second pass of the "
        "mini-batch through the network with its derivative, applied backward and forward for both classes.",
        "",
        "```",
        results.profile,
        "```",
        "",
        notes,
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Reads the results, writes the page and the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="folder of the JSON files and profile.txt")
    parser.add_argument("page", type=Path, help="where the page goes")
    arguments = parser.parse_args()
    results = Results.read(arguments.results)
    summary = summarise(results)
    (arguments.results / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    old = arguments.page.read_text() if arguments.page.is_file() else ""
    notes = old[old.index(NOTES) :].rstrip() if NOTES in old else NOTES
    arguments.page.write_text(page(results, notes))
    print("\n".join(bars_table(summary)))


if __name__ == "__main__":
    main()
