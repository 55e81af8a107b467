"use strict";
// The scores over the frames, a line for each target or tracker, and what they are called.

function svg(parent, name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

function chart() {
  // A given box is not scored.
  const scored = (seen) => seen && !seen.given && Number.isFinite(seen.score);
  const scores = frames.flatMap((frame) => frame.seen.filter(scored).map((seen) => seen.score));
  const [low, high] = [scores.reduce((a, b) => Math.min(a, b), -0.1), scores.reduce((a, b) => Math.max(a, b), 0.1)];
  const last = Math.max(length() - 1, 1);
  const [x, y] = [(frame) => (100 * frame) / last, (score) => 4 + (92 * (high - score)) / (high - low)];
  const canvas = by("chart");
  canvas.setAttribute("viewBox", "0 0 100 100");
  canvas.replaceChildren();
  svg(canvas, "line", { x1: 0, x2: 100, y1: y(0), y2: y(0) });
  const chosen = news.names.length > 1 && inRun() > 1 ? current : -1;
  news.names.forEach((_, line) => {
    const kind = `${COLOURS[line]} ${line === chosen ? "chosen" : ""}`;
    for (const piece of pieces(line, scored)) {
      const points = piece.map((number) => `${x(news.start + number).toFixed(2)},${y(frames[number].seen[line].score).toFixed(2)}`);
      svg(canvas, "polyline", { points: points.join(" "), class: kind });
    }
    // Where a box was given.
    frames.forEach((frame, number) => {
      const place = x(news.start + number);
      if (frame.seen[line]?.given) svg(canvas, "line", { x1: place, x2: place, y1: 94, y2: 100, class: `given ${COLOURS[line]}` });
    });
  });
  if (frames.length) svg(canvas, "line", { x1: x(at), x2: x(at), y1: 0, y2: 100, class: "now" });
  by("ends").textContent = scores.length ? `from ${low.toFixed(1)} to ${high.toFixed(1)}` : "";
}

// The frames with a score of a line, in pieces: between two of them the target was not followed.
function pieces(line, scored) {
  const found = [];
  let open = false;
  frames.forEach((frame, number) => {
    const seen = frame.seen[line];
    if (scored(seen)) {
      if (!open) found.push([]);
      found[found.length - 1].push(number);
    }
    open = found.length > 0 && Boolean(seen);
  });
  return found;
}

function pointed(event) {
  const area = by("chart").getBoundingClientRect();
  seek(Math.round(((event.clientX - area.left) / area.width) * Math.max(length() - 1, 1)));
}

// The names of the lines, once for each run.
function legend() {
  const several = news.targets.length > 1;
  const names = news.names.map((name, line) => {
    const label = document.createElement("span");
    label.className = `line of-${COLOURS[line]}`;
    label.textContent = several && name !== `target ${line + 1}` ? `${line + 1} ${name}` : name;
    return label;
  });
  by("lines").replaceChildren(...names);
}
