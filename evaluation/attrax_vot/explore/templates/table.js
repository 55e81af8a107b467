"use strict";
// The table of sequences by trackers: what a cell shows, how rows are sorted, and which are left out.

const hidden = new Set();
let sorted = { by: "", down: true };

function shown() {
  return experiment().trackers.filter((each) => !hidden.has(each.reference));
}

// Title, digits and whether more is better, of what cells show.
function measure() {
  const all = experiment().measures.map(([id, title, digits, more]) => ({ id, title, digits, more }));
  return all.find((each) => each.id === by("measure").value) ?? all[0];
}

// A tracker's value on a sequence. With an attribute, failures are those in frames with it.
function value(tracker, sequence) {
  const row = tracker.rows[sequence];
  if (!row) return null;
  const attribute = by("attribute").value;
  if (attribute && measure().id === "failures") return tracker.marks[sequence]?.[attribute] ?? 0;
  return row[measure().id];
}

function kept(sequence) {
  const attribute = by("attribute").value, name = by("name").value.trim().toLowerCase();
  if (attribute && !(attribute in sequence.attributes)) return false;
  if (name && !sequence.name.toLowerCase().includes(name)) return false;
  const bound = by("bound").value, limit = by("limit").valueAsNumber;
  if (!bound || Number.isNaN(limit)) return true;
  const values = shown().map((each) => value(each, sequence.name)).filter((each) => each !== null);
  return values.some((each) => (bound === "most" ? each <= limit : each >= limit));
}

function order(one, other) {
  const of = (sequence) => {
    if (sorted.by === "name") return sequence.name;
    if (sorted.by === "frames") return sequence.frames;
    const tracker = experiment().trackers.find((each) => each.reference === sorted.by);
    return tracker ? value(tracker, sequence.name) : null;
  };
  const [a, b] = [of(one), of(other)];
  // Blanks come last, whatever the direction.
  if (a === null || b === null) return (a === null) - (b === null);
  const way = a < b ? -1 : a > b ? 1 : 0;
  return sorted.down ? -way : way;
}

function head(id, title, ...before) {
  const way = sorted.by === id ? (sorted.down ? "descending" : "ascending") : "none";
  const mark = sorted.by === id ? (sorted.down ? " ▼" : " ▲") : "";
  const sort = () => {
    sorted = { by: id, down: sorted.by === id ? !sorted.down : id !== "name" };
    drawTable();
    document.querySelector(`#table thead button[data-id="${CSS.escape(id)}"]`).focus();
  };
  return make("th", { scope: "col", "aria-sort": way }, make("button", { "data-id": id, on: { click: sort } }, ...before, title + mark));
}

function drawTable() {
  const trackers = shown(), { digits, more } = measure();
  const rows = board.sequences.filter(kept);
  if (sorted.by) rows.sort(order);
  const all = rows.flatMap((each) => trackers.map((tracker) => value(tracker, each.name))).filter((each) => each !== null);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  by("table").tHead.replaceChildren(make("tr", {}, head("name", "sequence"), head("frames", "frames"),
    ...trackers.map((each) => head(each.reference, label(each.reference)))));
  by("table").tBodies[0].replaceChildren(...rows.map((sequence) => {
    const values = trackers.map((each) => value(each, sequence.name));
    const known = values.filter((each) => each !== null).map((each) => number(each, digits));
    const best = values.filter((each) => each !== null).reduce((a, b) => (more === a > b ? a : b), values.find((each) => each !== null));
    return make("tr", {},
      make("th", { scope: "row" }, make("button", { on: { click: () => openPlayer(sequence.name) } }, sequence.name)),
      make("td", { on: { click: () => openPlayer(sequence.name) } }, sequence.frames ?? "–"),
      ...values.map((each, column) => {
        const text = each === null ? "" : number(each, digits);
        const first = new Set(known).size > 1 && text === number(best, digits);
        const cell = make("td", { class: first ? "best" : null, on: { click: () => openPlayer(sequence.name, trackers[column].reference) } }, text);
        if (each !== null && high > low) {
          const bad = more ? (high - each) / (high - low) : (each - low) / (high - low);
          cell.style.background = `rgba(var(--shade), ${(0.45 * bad).toFixed(3)})`;
        }
        return cell;
      }));
  }));
  by("table").tFoot.replaceChildren(make("tr", {}, make("th", { scope: "row" }, "all that have ended"),
    make("td", {}, String(board.sequences.reduce((sum, each) => sum + (each.frames ?? 0), 0))),
    ...trackers.map((each) => make("td", { title: `${Object.keys(each.rows).length} of ${board.sequences.length} sequences` },
      number(each.total[measure().id], digits)))));
  by("count").textContent = `${rows.length} of ${board.sequences.length}`;
}

function drawTrackers() {
  const boxes = experiment().trackers.map((each) => make("label", {},
    make("input", { type: "checkbox", checked: !hidden.has(each.reference), on: { change: (event) => {
      if (event.target.checked) hidden.delete(each.reference);
      else hidden.add(each.reference);
      drawTable();
      drawCurves();
    } } }),
    key(each.reference), `${label(each.reference)} (${Object.keys(each.rows).length} of ${board.sequences.length})`));
  by("trackers").replaceChildren(by("trackers").firstElementChild, ...boxes);
}

function drawChoices() {
  fill(by("experiment"), board.experiments.map((each) => [each.name, each.name]));
  fill(by("measure"), experiment().measures.map(([id, title]) => [id, title]));
  const labels = new Set(board.sequences.flatMap((each) => Object.keys(each.attributes)));
  fill(by("attribute"), [["", "any"], ...[...labels].sort().map((each) => [each, each])]);
  by("limit").disabled = !by("bound").value;
}

for (const id of ["experiment", "measure", "attribute", "name", "bound", "limit"]) {
  by(id).addEventListener("input", () => {
    drawChoices();
    if (id === "experiment") drawTrackers();
    drawTable();
    if (id === "experiment") drawCurves();
  });
}
