"""An ablation as CSV, as Markdown, and for the terminal."""

from pathlib import Path

from attrax_vot.analysis import summary
from attrax_vot.compare import ablation_plot
from attrax_vot.compare.ablation import ALL, Ablation, VariantRow
from attrax_vot.compare.ablation_measures import COLUMNS, difference, over_seeds
from attrax_vot.compare.variants import REFERENCE, TABLES, VariantGroup, label
from attrax_vot.files import write_whole
from attrax_vot.run.toolkit import VERSION

# The paper's own, on OTB-2013: distance precision at 20 pixels, and the area under the success
# plot.
PAPER = {"lambda0": ("0.911", "0.671"), REFERENCE: ("0.944", "0.704")}
QUALITY = [column for column in COLUMNS if column.better]
LEGEND = """DP: OTB's distance precision, the share of frames whose centre is at most 20 px off. OS: OTB's overlap
success, the area under its curve, and the share of frames with an overlap above 0.5. These and the centre error are of
one pass without supervision, against the smallest axis-aligned box around the ground truth; over sequences, their plain
mean. A, failures and EAO are the toolkit's, of its supervised experiment against the ground truth itself; failures are
summed over sequences."""
OVER_SEEDS = """Mean over seeds ± half the range of two seeds, or the standard deviation of more."""
PAPERS = """The paper's own figures, where they are given, are of another dataset (OTB-2013) and another network
(VGG-M): what can be compared is their order and their distance, not their height."""

Cells = list[list[str]]


def write(found: Ablation, out: Path) -> list[Path]:
    """Writes `ablation.csv`, `ablation.md` and, where there is anything to draw, `ablation.png`.

    Returns:
        The files.
    """
    data, text, picture = out / "ablation.csv", out / "ablation.md", out / "ablation.png"
    write_whole(data, summary.csv_text(VariantRow, found.rows))
    write_whole(text, markdown(found))
    return [data, text, *([picture] if ablation_plot.draw(found, picture) else [])]


def terminal(found: Ablation) -> str:
    """All variants on all sequences, and what is missing."""
    names = {name: label(name) for name in found.variants}
    lines = [summary.align(overall(found, names))]
    if found.missing:
        lines.append(f"missing: {len(found.missing)} runs; ablation.md lists them")
    return "\n".join(lines)


def markdown(found: Ablation) -> str:
    """The tables for a README."""
    low, high = found.interval
    names = ", ".join(found.sequences)
    parts = [
        "# Ablation",
        f"{len(found.sequences)} sequences, {found.frames} frames: {names}. Tracker: {found.tracker}. "
        f"EAO over frames {low} to {high}; VOT toolkit {VERSION}. {OVER_SEEDS}",
        LEGEND,
        PAPERS,
    ]
    shown = {key: table.members(found.variants) for key, table in TABLES.items()}
    complete = {key: members for key, members in shown.items() if len(members) > 1}
    for key, members in complete.items():
        parts += _section(found, TABLES[key], members)
    rest = [name for name in found.variants if not any(name in members for members in complete.values())]
    if rest:
        parts += ["## Others", summary.markdown_table(overall(found, {name: label(name) for name in rest}))]
    parts += ["## Per sequence", summary.markdown_table(per_sequence(found))]
    if found.missing:
        parts += ["## Missing", "\n".join(f"- {line}" for line in found.missing)]
    return "\n\n".join(parts) + "\n"


def overall(found: Ablation, members: dict[str, str], paper: bool = False) -> Cells:
    """A row for each variant on all sequences; only seeds that have ended all of them count.

    Args:
        found: the ablation.
        members: the variants, with what each is called.
        paper: whether the paper's figures are next to ours.
    """
    head = ["variant", "seeds", *(column.head for column in COLUMNS)]
    rows = []
    for name, called in members.items():
        seeds = len({row.seed for row in found.rows if row.variant == name and row.sequence == ALL})
        cells = [over_seeds(found, name, column).text(column.digits) for column in COLUMNS]
        rows.append([called, str(seeds), *cells, *(PAPER.get(name, ("-", "-")) if paper else [])])
    return [[*head, *(["paper: DP", "paper: OS"] if paper else [])], *rows]


def differences(found: Ablation, members: dict[str, str]) -> Cells:
    """A row for each variant but the first: its measures less the first one's, seed by seed."""
    first, *others = members
    head = [f"less that of: {members[first]}", *(column.head for column in QUALITY)]
    rows = [
        [members[name], *(difference(found, name, first, column).text(column.digits, "+") for column in QUALITY)]
        for name in others
    ]
    return [head, *rows]


def per_sequence(found: Ablation) -> Cells:
    """A row for each sequence and variant."""
    head = ["sequence", "variant", *(column.head for column in COLUMNS)]
    rows = []
    for sequence in found.sequences:
        for name in found.variants:
            cells = [over_seeds(found, name, column, sequence).text(column.digits) for column in COLUMNS]
            rows.append([sequence, label(name), *cells])
    return [head, *rows]


def _section(found: Ablation, table: VariantGroup, members: dict[str, str]) -> list[str]:
    """A comparison: the measures, and by how much they differ."""
    measures = summary.markdown_table(overall(found, members, table.paper))
    return [f"## {table.title}", measures, summary.markdown_table(differences(found, members))]
