"""A report as a page that needs nothing but itself, as Markdown, as LaTeX, as CSV, and as JSON."""

import csv
import io
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from attrax_vot.analysis import summary
from attrax_vot.analysis.scores import Score
from attrax_vot.files import write_whole
from attrax_vot.report import one_pass, plots, tables
from attrax_vot.report.collect import Report

# What LaTeX would take for its own.
TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


def write(report: Report, out: Path, formats: list[str]) -> list[Path]:
    """Writes a report into a folder: `report.html` and so on, and always `summary.json`.

    Args:
        report: the report.
        out: the folder.
        formats: some of `FORMATS`.

    Returns:
        The files.
    """
    out.mkdir(parents=True, exist_ok=True)
    files = []
    for name in formats:
        suffix, make = FORMATS[name]
        files.append(out / f"report.{suffix}")
        write_whole(files[-1], make(report))
    data = out / "summary.json"
    summary.write(data, document(report))
    return [*files, data]


def shown(report: Report) -> list[tables.Table]:
    """The tables that a report has anything for, in their order."""
    found = [tables.overall(report)] if report.entries else []
    found += [one_pass.table(report)] if report.one_pass else []
    found += [tables.differences(report)] if report.differences else []
    found += [tables.per_sequence(report), tables.per_attribute(report)] if report.entries else []
    return found + ([one_pass.per_sequence(report)] if report.one_pass else [])


def html(report: Report) -> str:
    """The page: style, plots and pictures are within it."""
    called = tables.names(report)
    curves = [(called[entry.reference], entry.scores) for entry in report.entries]
    order = report.references
    drawings = [plots.eao_curve(curves, order), plots.accuracy_robustness(curves, order)] if curves else []
    if report.one_pass:
        drawings += [plots.success(report.one_pass, order), plots.precision(report.one_pass, order)]
    return _render("report.html.j2", report, drawings=[plots.svg(each) for each in drawings])


def markdown(report: Report) -> str:
    """The tables for a README."""
    return _render("report.md.j2", report)


def latex(report: Report) -> str:
    """The tables as a document that compiles, of which single ones can be taken."""
    return _render("report.tex.j2", report)


def comma_separated(report: Report) -> str:
    """A line for each tracker and sequence, and one for all that it has ended; nothing where nothing is known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    values = [field.name for field in fields(Score) if field.name != "name"]
    writer.writerow(["tracker", "sequence", *values])
    for entry in report.entries:
        for name, row in [("all", entry.scores.total), *((row.name, row) for row in entry.scores.rows)]:
            cells = [summary.plain(getattr(row, value)) for value in values]
            writer.writerow([entry.reference, name, *("" if cell is None else cell for cell in cells)])
    return text.getvalue()


def document(report: Report) -> dict[str, Any]:
    """What `summary.json` holds."""
    ran = {each.reference: each for each in report.runs}
    return {
        "stack": report.title,
        "made": report.made.isoformat(timespec="seconds"),
        "command": report.command,
        "versions": report.versions,
        "sequences": len(report.places),
        "trackers": [
            {**summary.document(entry.scores), "command": entry.command, "runs": entry.notes}
            for entry in report.entries
        ],
        "one_pass": [
            {
                "tracker": each.tracker,
                "command": ran[each.tracker].command,
                "runs": ran[each.tracker].notes,
                **_plain(vars(each.total)),
                "average_overlap": summary.plain(each.average_overlap),
                "success_rates": [summary.plain(value) for value in each.success_rates],
                "per_sequence": [{"name": name, **_plain(vars(row))} for name, row in each.rows.items()],
            }
            for each in report.one_pass
        ],
        "differences": [
            _plain(
                {
                    "first": each.first,
                    "second": each.second,
                    "sequences": each.sequences,
                    **asdict(each.found),
                }
            )
            for each in report.differences
        ],
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {key: summary.plain(value) for key, value in values.items()}


# By the name that `--format` takes: the file's suffix, and what makes it.
FORMATS: dict[str, tuple[str, Callable[[Report], str]]] = {
    "html": ("html", html),
    "markdown": ("md", markdown),
    "latex": ("tex", latex),
    "csv": ("csv", comma_separated),
}


def _render(template: str, report: Report, **more: Any) -> str:  # noqa: ANN401 - what a template takes differs
    """Fills a template in."""
    tex = template.endswith(".tex.j2")
    # Braces and percent signs are LaTeX's own.
    marks: dict[str, Any] = {
        "block_start_string": "<%", "block_end_string": "%>", "variable_start_string": "<<",
        "variable_end_string": ">>", "comment_start_string": "<#", "comment_end_string": "#>",
    }  # fmt: skip
    environment = Environment(
        loader=PackageLoader("attrax_vot.report"),
        autoescape=template.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **(marks if tex else {}),
    )
    environment.filters["tex"] = lambda text: "".join(TEX.get(letter, letter) for letter in str(text))
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|")
    return environment.get_template(template).render(
        report=report, called=tables.names(report), tables=shown(report), anchor=tables.anchor, **more
    )
