"use strict";
// The scores over the frames, a line for each tracker, and what they are called.

function svg(parent, name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
}

function chart() {
  // In the first frame nothing is scored.
  const scored = frames.slice(1);
  const scores = scored.flatMap((frame) => frame.seen.map((seen) => seen.score)).filter(Number.isFinite);
  const [low, high] = [scores.reduce((a, b) => Math.min(a, b), -0.1), scores.reduce((a, b) => Math.max(a, b), 0.1)];
  const last = Math.max(length() - 1, 1);
  const [x, y] = [(frame) => (100 * frame) / last, (score) => 4 + (92 * (high - score)) / (high - low)];
  const canvas = by("chart");
  canvas.setAttribute("viewBox", "0 0 100 100");
  canvas.replaceChildren();
  svg(canvas, "line", { x1: 0, x2: 100, y1: y(0), y2: y(0) });
  news.names.forEach((_, which) => {
    const point = (frame, number) => `${x(news.start + number + 1).toFixed(2)},${y(frame.seen[which].score).toFixed(2)}`;
    svg(canvas, "polyline", { points: scored.map(point).join(" "), class: COLOURS[which] });
  });
  if (frames.length) svg(canvas, "line", { x1: x(at), x2: x(at), y1: 0, y2: 100, class: "now" });
  by("ends").textContent = scores.length ? `from ${low.toFixed(1)} to ${high.toFixed(1)}` : "";
}

function pointed(event) {
  const area = by("chart").getBoundingClientRect();
  seek(Math.round(((event.clientX - area.left) / area.width) * Math.max(length() - 1, 1)));
}

// The names of the lines, once for each run.
function legend() {
  const names = news.names.map((name, which) => {
    const label = document.createElement("span");
    label.className = `line of-${COLOURS[which]}`;
    label.textContent = name;
    return label;
  });
  by("lines").replaceChildren(...names);
}
