"""A report as a page that needs nothing but itself, as Markdown, and as JSON."""

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from attrax_vot.analysis import summary
from attrax_vot.analysis.scores import Score
from attrax_vot.report import plots
from attrax_vot.report.report import Report

STYLE = """
:root { color-scheme: light dark; --ink: #1b2631; --soft: #7b8a97; --rule: #d5dbdf; --paper: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e5e8eb; --soft: #93a1ad; --rule: #39434c; --paper: #14191d; }
  svg { filter: invert(0.9) hue-rotate(180deg); }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 72rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.4rem; }
p.note, figcaption { color: var(--soft); font-size: 0.88rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.7rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--rule); }
th:first-child, td:first-child { text-align: left; }
.plots { display: flex; flex-wrap: wrap; gap: 1.5rem; }
.plots svg { width: 33rem; max-width: 100%; height: auto; }
figure { margin: 0 0 1.2rem; } figure img { max-width: 100%; }
"""

MEASURES = ["A", "failures", "R", "EAO", "s/frame", "s/init"]
NOTES = {
    "A": "accuracy: mean overlap, without the ten frames after an initialisation",
    "R": "robustness: exp(-30 x failures / frames)",
    "EAO": "expected average overlap",
}

Cells = list[list[str]]


def write(report: Report, out: Path) -> list[Path]:
    """Writes `report.html`, `report.md` and `summary.json` into a folder.

    Returns:
        The files.
    """
    out.mkdir(parents=True, exist_ok=True)
    page, text, data = out / "report.html", out / "report.md", out / "summary.json"
    page.write_text(html(report))
    text.write_text(markdown(report))
    summary.write(data, document(report))
    return [page, text, data]


def document(report: Report) -> dict[str, Any]:
    """What `summary.json` holds."""
    return {
        "stack": report.title,
        "toolkit": report.toolkit,
        "trackers": [summary.document(scores) for scores in report.trackers],
        "differences": [
            {
                "first": each.first,
                "second": each.second,
                "eao": summary.plain(each.value),
                "interval": [summary.plain(each.low), summary.plain(each.high)],
            }
            for each in report.differences
        ],
        "left_out": report.left_out,
    }


def overall(report: Report) -> Cells:
    """A row for each tracker."""
    return [
        ["tracker", *MEASURES],
        *([scores.tracker, *_measures(scores.total)] for scores in report.trackers),
    ]


def per_sequence(report: Report) -> Cells:
    """A row for each sequence, three columns for each tracker."""
    head = ["sequence", "frames"]
    for scores in report.trackers:
        head += [f"{scores.tracker}: A", "failures", "R"]
    rows = []
    for index, first in enumerate(report.trackers[0].rows):
        mine = [_measures(scores.rows[index])[:3] for scores in report.trackers]
        rows.append([first.name, str(first.frames), *(cell for cells in mine for cell in cells)])
    return [head, *rows]


def per_attribute(report: Report) -> Cells:
    """A row for each attribute: frames, then failures and their rate for each tracker."""
    head = ["attribute", "frames"]
    for scores in report.trackers:
        head += [f"{scores.tracker}: failures", "in 100 frames"]
    rows = []
    for index, first in enumerate(report.attributes[report.trackers[0].tracker]):
        cells = [first.label, str(first.frames)]
        for scores in report.trackers:
            each = report.attributes[scores.tracker][index]
            cells += [summary.count(each.failures), f"{each.rate:.2f}"]
        rows.append(cells)
    return [head, *rows]


def differences(report: Report) -> Cells:
    """A row for each comparison."""
    head = ["EAO of", "less that of", "difference", "95 % interval"]
    numbers = [(each, summary.number(each.value, 3)) for each in report.differences]
    return [
        head,
        *([each.first, each.second, value, f"{summary.number(each.low, 3)} to {summary.number(each.high, 3)}"]
          for each, value in numbers),
    ]  # fmt: skip


def markdown(report: Report) -> str:
    """The tables for a README."""
    sections = [f"# {report.title}", _note(report), _md(overall(report))]
    if report.differences:
        sections += ["Interval by bootstrap over sequences.", _md(differences(report))]
    sections += [
        "## Per sequence",
        _md(per_sequence(report)),
        "## Failures by attribute",
        _md(per_attribute(report)),
    ]
    return "\n\n".join(sections) + "\n"


def html(report: Report) -> str:
    """The page: style, plots and pictures are within it."""
    parts = [
        f"<h1>{escape(report.title)}</h1>",
        f'<p class="note">{escape(_note(report))}</p>',
        _table(overall(report)),
        f'<p class="note">{escape("; ".join(f"{key}: {value}" for key, value in NOTES.items()))}</p>',
    ]
    if report.differences:
        parts += ["<h2>Differences, by bootstrap over sequences</h2>", _table(differences(report))]
    parts += ['<h2>Curves</h2><div class="plots">']
    parts += [f'<div id="eao">{plots.eao_curve(report.trackers)}</div>']
    parts += [f'<div id="ar">{plots.accuracy_robustness(report.trackers)}</div></div>']
    parts += ["<h2>Per sequence</h2>", _table(per_sequence(report))]
    parts += ["<h2>Failures by attribute</h2>", _table(per_attribute(report)), "<h2>Failures</h2>"]
    if not report.strips:
        parts.append('<p class="note">None to show: no failure, or no frames on disk.</p>')
    else:
        parts.append('<p class="note">Green: ground truth. Red: the tracker\'s box.</p>')
    for strip in report.strips:
        words = f"{strip.tracker}, {strip.sequence}, repetition {strip.repetition}, frame {strip.frame}"
        parts.append(
            f'<figure class="strip"><img src="{strip.picture}" alt="{escape(words)}">'
            f"<figcaption>{escape(words)}</figcaption></figure>"
        )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(report.title)}</title>\n"
        '<meta name="viewport" content="width=device-width">\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n" + "\n".join(parts) + "\n</body>\n</html>\n"
    )


def _note(report: Report) -> str:
    """What was measured on what."""
    first = report.trackers[0]
    low, high = first.interval
    repetitions = ", ".join(f"{scores.tracker} {scores.total.repetitions}" for scores in report.trackers)
    text = (
        f"{len(first.rows)} sequences, {first.total.frames} frames; repetitions: {repetitions}; "
        f"EAO over frames {low} to {high}; VOT toolkit {report.toolkit}."
    )
    if report.left_out:
        text += f" Left out, because not every tracker has ended them: {', '.join(report.left_out)}."
    return text


def _measures(row: Score) -> list[str]:
    return [
        summary.number(row.accuracy, 3),
        summary.count(row.failures),
        summary.number(row.robustness, 3),
        summary.number(row.eao, 3),
        summary.number(row.seconds_per_frame, 2),
        summary.number(row.seconds_per_initialization, 1),
    ]


def _table(cells: Cells) -> str:
    head, *body = cells
    rows = "\n".join(f"<tr>{_row(row, 'td')}</tr>" for row in body)
    top = f"<thead><tr>{_row(head, 'th')}</tr></thead>"
    return f'<div class="wide"><table>{top}<tbody>{rows}</tbody></table></div>'


def _row(row: Iterable[str], tag: str) -> str:
    return "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row)


def _md(cells: Cells) -> str:
    return summary.markdown_table(cells)
