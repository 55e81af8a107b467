"use strict";
// Overlap and confidence over time, with failures and starts; a click or a drag goes to a frame.

const LANE = 11;

// Unbroken stretches of values as polylines.
function strokes(values, x, y) {
  const lines = [[]];
  values.forEach((each, frame) => {
    if (each === null || each === undefined) lines.push([]);
    else lines.at(-1).push(`${x(frame).toFixed(1)},${y(each).toFixed(1)}`);
  });
  return lines.filter((each) => each.length).map((each) => (each.length === 1 ? [each[0], each[0]] : each).join(" "));
}

function drawLines(svg, series) {
  const wide = svg.clientWidth || 600, high = svg.clientHeight || 100;
  svg.setAttribute("viewBox", `0 0 ${wide} ${high}`);
  const x = (frame) => (frame / Math.max(1, clip.frames - 1)) * wide;
  const drawn = [make("line", { class: "grid", x1: 0, x2: wide, y1: high / 2, y2: high / 2 })];
  series.forEach(({ reference, values, low, high: top, states }, lane) => {
    const y = (value) => high - 3 - ((value - low) / (top - low)) * (high - 6);
    for (const points of strokes(values, x, y)) {
      const line = make("polyline", { points, "stroke-dasharray": dash(reference) });
      line.style.stroke = colour(reference);
      drawn.push(line);
    }
    states?.forEach((state, frame) => {
      if (!state) return;
      const mark = state === "skipped"
        ? make("rect", { class: "mark waits", x: x(frame), width: Math.max(1, x(1)), y: 0, height: high })
        : make("path", { class: "mark", d: state === "lost" ? "M-5 0h10l-5 8z" : "M-5 0h10l-5-8z",
          transform: `translate(${x(frame)} ${state === "lost" ? 1 + lane * LANE : high - 1 - lane * LANE})` },
        make("title", {}, `${label(reference)}: ${state === "lost" ? "lost" : "start"} at frame ${frame}`));
      mark.style.fill = colour(reference);
      drawn.push(mark);
    });
  });
  svg.replaceChildren(...drawn, make("line", { class: "now", y1: 0, y2: high }));
}

function drawTimelines() {
  const chosen = chosenRuns().map((reference) => ({ reference, run: runs.get(reference) }));
  drawLines(by("overlap"), chosen.map(({ reference, run }) => ({ reference, values: run.overlaps, low: 0, high: 1, states: run.states })));
  const sure = chosen.flatMap(({ reference, run }) => {
    const known = run.scores.filter((each) => each !== null);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    return known.length && low < high ? [{ reference, values: run.scores, low, high }] : [];
  });
  by("sure").hidden = !sure.length;
  if (sure.length) drawLines(by("confidence"), sure);
  const spans = board.sequences.find((each) => each.name === clip.name)?.attributes ?? {};
  by("attributes").replaceChildren(...Object.entries(spans).flatMap(([name, found]) => [
    make("span", {}, name),
    make("svg", { viewBox: `0 0 ${clip.frames} 1`, preserveAspectRatio: "none", role: "img", "aria-label": `frames with ${name}` },
      ...found.map(([x, width]) => make("rect", { x, width, y: 0, height: 1 }))),
  ]));
  drawNow();
}

function drawNow() {
  for (const line of document.querySelectorAll(".chart .now")) {
    const x = (at / Math.max(1, clip.frames - 1)) * line.ownerSVGElement.viewBox.baseVal.width;
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
  }
}

for (const id of ["overlap", "confidence"]) {
  const svg = by(id);
  const seek = (event) => {
    if (!clip || !event.buttons) return;
    const place = svg.getBoundingClientRect();
    go(Math.round(((event.clientX - place.x) / place.width) * (clip.frames - 1)));
  };
  svg.addEventListener("pointerdown", seek);
  svg.addEventListener("pointermove", seek);
}
window.addEventListener("resize", () => drawAll());
