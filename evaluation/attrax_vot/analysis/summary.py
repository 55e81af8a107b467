"""Scores as a table for the terminal or Markdown, and as `summary.json`."""

import csv
import io
import json
import math
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from attrax_vot.analysis.scores import Score, Scores
from attrax_vot.files import write_whole


def number(value: float, digits: int) -> str:
    """A number with `digits` digits after the point; a dash where there is none."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def count(value: float) -> str:
    """A mean number of failures, without digits where it is whole."""
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"


def rows(scores: Scores, references: list[Scores]) -> list[list[str]]:
    """The table: a head, a row for each sequence, and the totals; text in every cell."""
    head = ["sequence", "frames", "accuracy", "failures", "EAO", "s/frame", "s/init"]
    for reference in references:
        head += [f"{reference.tracker}: accuracy", "failures", "EAO"]
    others = [{row.name: row for row in reference.rows} for reference in references]
    body = [_cells(row.name, row, [other[row.name] for other in others]) for row in scores.rows]
    name = f"all ({scores.total.name})"
    return [head, *body, _cells(name, scores.total, [reference.total for reference in references])]


def _cells(name: str, row: Score, others: list[Score]) -> list[str]:
    """One row of the table: ours, then what others have in the same place."""
    return [
        name,
        str(row.frames),
        *_measures(row),
        number(row.seconds_per_frame, 2),
        number(row.seconds_per_initialization, 1),
        *(cell for other in others for cell in _measures(other)),
    ]


def _measures(row: Score) -> list[str]:
    """Accuracy, failures and expected average overlap."""
    return [number(row.accuracy, 3), count(row.failures), number(row.eao, 3)]


def align(table: list[list[str]]) -> str:
    """Cells as columns for a terminal: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    )


def text(scores: Scores, references: list[Scores] | None = None) -> str:
    """The table for a terminal."""
    lines = align(rows(scores, references or [])).splitlines()
    rule = "-" * len(lines[0])
    low, high = scores.interval
    note = f"EAO: expected average overlap over frames {low} to {high} after an initialisation"
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1], "", note])


def markdown(scores: Scores, references: list[Scores] | None = None) -> str:
    """The table for a README."""
    return markdown_table(rows(scores, references or [])) + "\n"


def markdown_table(table: list[list[str]]) -> str:
    """Cells as a Markdown table: a head, then rows; all but the first column to the right."""
    lines = ["| " + " | ".join(row) + " |" for row in table]
    return "\n".join([lines[0], "|---|" + "---:|" * (len(table[0]) - 1), *lines[1:]])


def csv_text(kind: type, rows: list[Any]) -> str:
    """Rows, all of one kind of dataclass, as CSV with a head; nothing in a cell where nothing is known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([each.name for each in fields(kind)])
    for row in rows:
        writer.writerow(["" if value is None else value for value in map(plain, vars(row).values())])
    return text.getvalue()


def document(scores: Scores, references: list[Scores] | None = None) -> dict[str, Any]:
    """What `summary.json` holds: the totals at its top, then a row for each sequence.

    `sequences` is their number and `frames` that of all of them; a value that does not exist is null.
    """
    total = {key: value for key, value in _values(scores.total).items() if key != "name"}
    content = {
        "tracker": scores.tracker,
        "sequences": len(scores.rows),
        **total,
        "eao_interval": list(scores.interval),
        "per_sequence": [_values(row) for row in scores.rows],
    }
    if references:
        content["references"] = [document(reference) for reference in references]
    return content


def write(path: Path, content: dict[str, Any]) -> None:
    """Writes a JSON file, whole or not at all."""
    write_whole(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def _values(row: Score) -> dict[str, Any]:
    """A row as JSON has it: numbers rounded to a millionth, null for what does not exist."""
    values = asdict(row)
    return {key: plain(value) for key, value in values.items()}


def plain(value: float | str) -> float | str | None:
    """A value as JSON has it."""
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    return value
