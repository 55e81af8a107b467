"""The table of one-pass results, by OTB's and GOT-10k's measures."""

from attrax_vot.analysis.one_pass import OnePass
from attrax_vot.datasets.otb import OTB2013
from attrax_vot.report.collect import Report
from attrax_vot.report.tables import FIT, Cell, Column, Measure, Table, anchor, cell, digits, mark, names

MEASURES = [
    Measure("OS", lambda run: run.total.success, digits(3), more=True),
    Measure("DP", lambda run: run.total.precision, digits(3), more=True),
    Measure("OS at 0.5", lambda run: run.total.success_half, digits(3), more=True),
    Measure("CLE", lambda run: run.total.centre_error, digits(1), more=False),
    Measure("AO", lambda run: run.average_overlap, digits(3), more=True),
    Measure("SR 0.5", lambda run: run.success_rates[0], digits(3), more=True),
    Measure("SR 0.75", lambda run: run.success_rates[1], digits(3), more=True),
]
NOTE = (
    "One pass, never put back. OTB's measures, means over sequences: OS, the area under the success plot; DP, the "
    "share of frames at most 20 px off; OS at 0.5, the share with an overlap above 0.5; CLE, the mean distance of "
    "the centres in pixels. GOT-10k's, over all frames but the first: AO, the mean overlap; SR, the share of "
    "frames with a larger one."
)
PAPER = (
    "DAT's paper, on all of OTB-2013 with VGG-M (its Table 1): DP 0.944 and OS 0.704 at lambda 5, 0.911 and 0.671 at 0."
)


def table(report: Report) -> Table:
    """A row for each tracker without supervision, the best marked among those over the most sequences."""
    runs: list[OnePass] = report.one_pass
    called = names(report)
    body = [[cell(run, measure) for measure in MEASURES] for run in runs]
    compared = [run for run in runs if len(run.rows) == len(runs[0].rows)]
    for column, measure in enumerate(MEASURES):
        values = [measure.value(run) for run in compared]
        mark(body, [(row, column) for row in range(len(compared))], values, measure)
    columns = [Column("tracker", words=True), *(Column(measure.title) for measure in MEASURES)]
    rows = [
        [Cell(called[run.tracker]), *cells, Cell(f"{len(run.rows)} of {len(report.places)}")]
        for run, cells in zip(runs, body, strict=True)
    ]
    papers = [PAPER] if {place.name for place in report.places} <= OTB2013 else []
    return Table("One pass", [*columns, Column("sequences", words=True)], rows, [NOTE, *papers])


def per_sequence(report: Report) -> Table:
    """OS and DP on each sequence, the hardest first; links lead to what happened there."""
    called, measures = names(report), [MEASURES[0], MEASURES[1]]
    wide = len(report.one_pass) <= FIT
    columns = [Column("sequence", words=True), Column("frames")]
    if wide:
        columns += [Column(each.title, called[run.tracker]) for run in report.one_pass for each in measures]
    else:
        columns += [Column("tracker", words=True), *(Column(each.title) for each in measures)]
    places = [place for place in report.places if any(place.name in run.rows for run in report.one_pass)]
    rows = []
    for place in sorted(places, key=lambda each: _mean(report, each.name)):
        lines = []
        for run in report.one_pass:
            row = run.rows.get(place.name)
            link = anchor(place.name, f"{run.tracker}-one-pass")
            texts = [each.show(getattr(row, NAMES[each.title])) if row else "" for each in measures]
            lines.append([Cell(text, link=link) for text in texts])
        for column, measure in enumerate(measures):
            there = [row for row, run in enumerate(report.one_pass) if place.name in run.rows]
            values = [getattr(report.one_pass[row].rows[place.name], NAMES[measure.title]) for row in there]
            mark(lines, [(row, column) for row in there], values, measure)
        head = [Cell(place.name, link=anchor(place.name)), Cell(str(place.frames))]
        if wide:
            rows.append([*head, *(each for line in lines for each in line)])
            continue
        for index, (run, line) in enumerate(zip(report.one_pass, lines, strict=True)):
            rows.append([*(head if index == 0 else [Cell(""), Cell("")]), Cell(called[run.tracker]), *line])
    return Table("Sequences in one pass", columns, rows, ["The hardest first: by the mean OS of all trackers."])


# Of a row of one-pass results, by the title of a column.
NAMES = {"OS": "success", "DP": "precision"}


def _mean(report: Report, name: str) -> float:
    """The mean OS of all trackers on a sequence."""
    values = [run.rows[name].success for run in report.one_pass if name in run.rows]
    return sum(values) / len(values)
