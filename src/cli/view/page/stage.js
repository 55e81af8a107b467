"use strict";
// The shown frame: its picture, the boxes over it, the maps next to it, and the zoom.

let zoom = { factor: 1, x: 0.5, y: 0.5 };
const MOST = 16;

function rectangle([x, y, width, height], kind) {
  svg(by("drawn"), "rect", { x, y, width, height, class: kind });
}

// The boxes over the frame: the tracked ones, and the drawn ones of this frame.
function draw() {
  by("drawn").replaceChildren();
  if (mode === "live") return tell();
  shot()?.seen.forEach((seen, line) => seen && rectangle(seen.box, `${COLOURS[line]} ${seen.found ? "" : "lost"}`));
  targets.forEach((_, which) => {
    const { box, at: frame } = targets[which];
    if (box && frame === at && which !== current && !shot()?.seen[lineOf(which)]) rectangle(box, `${COLOURS[which]} lost`);
    if (targets.length > 1) mark(which);
  });
  const { box, at: frame } = target();
  if (box && frame === at) handles(box);
  tell();
}

// The box that can be dragged, with its corners and its middle.
function handles([x, y, width, height]) {
  rectangle([x, y, width, height], "shade");
  rectangle([x, y, width, height], "draft");
  const side = Number.isFinite(pixel()) ? 9 * pixel() : 0;
  const handle = (cx, cy) => rectangle([cx - side / 2, cy - side / 2, side, side], "handle");
  for (const cx of [x, x + width]) {
    for (const cy of [y, y + height]) handle(cx, cy);
  }
  if (Math.min(width, height) > 5 * REACH * pixel()) {
    svg(by("drawn"), "circle", { cx: x + width / 2, cy: y + height / 2, r: side / 2, class: "handle" });
  }
}

// The number of a target above its box.
function mark(which) {
  const box = boxOf(which);
  if (!box || !Number.isFinite(pixel())) return;
  const size = 14 * pixel();
  const attributes = { x: box[0], y: Math.max(box[1] - 0.35 * size, 0.9 * size), "font-size": size, class: `mark ${COLOURS[which]}` };
  svg(by("drawn"), "text", attributes).textContent = which + 1;
}

// A picture shows the last address that it was given, once the one before has come: a slow line skips frames.
function load(image, source) {
  image.next = source;
  if (image.busy || image.dataset.shown === source) return;
  image.busy = true;
  image.dataset.shown = source;
  const done = () => {
    image.busy = false;
    if (image.next !== source) load(image, image.next);
  };
  image.onload = done;
  image.onerror = done;
  image.src = source;
}

function show(frame) {
  at = mode === "run" ? Math.max(0, Math.min(frame, length() - 1)) : 0;
  const what = { run: news.run, frame: at };
  if (shot()) load(by("frame"), address("frame", what));
  else if (!about.live) load(by("frame"), address("browse", { frame: at }));
  else if (mode === "frozen" && news.frozen) load(by("frame"), address("frozen", { picture: news.frozen }));
  [...by("sights").children].forEach((figure, tracker) => {
    const seen = shot()?.seen[tracker];
    figure.hidden = !seen;
    if (!seen) return;
    for (const image of figure.querySelectorAll("img")) {
      // Of several targets the selected one has its maps shown.
      image.hidden = inRun() > 1 && tracker !== current;
      if (!image.hidden) load(image, address(image.dataset.map, { ...what, tracker }));
    }
    figure.querySelector("figcaption").textContent = caption(news.names[tracker], seen);
  });
  by("seek").max = length();
  by("seek").value = at + 1;
  by("place").textContent = length() > 1 || frames.length ? `${at + 1} / ${length()}` : "";
  zoomed();
  if (mode === "run") chart();
  draw();
}

function caption(name, seen) {
  const overlap = seen.overlap === null ? "" : `, overlap ${seen.overlap.toFixed(2)}`;
  const inside = seen.inside === null ? "" : `, ${Math.round(100 * seen.inside)} % of attention inside`;
  return `${name}: ${seen.found ? "found" : "lost"}, score ${seen.score.toFixed(2)}${overlap}${inside}`;
}

// A figure for each tracker of the run.
function sights() {
  const figures = news.names.map((name, which) => {
    const figure = document.createElement("figure");
    figure.className = `of-${COLOURS[which]}`;
    figure.append(document.createElement("figcaption"));
    for (const map of news.maps ? ["attention", "scores"] : []) {
      const image = document.createElement("img");
      image.dataset.map = map;
      image.alt = `${map} of ${name}`;
      figure.append(image);
    }
    return figure;
  });
  by("sights").replaceChildren(...figures);
  by("legend").hidden = !news.maps;
  by("truth").hidden = !about.truth;
  legend();
}

// Zooms about a place of the frame, as shares of its sides: the shown box, or where the pointer is.
function zoomBy(factor, middle) {
  const seen = shownBox();
  const [x, y] = middle ?? (seen ? [(seen[0] + seen[2] / 2) / about.width, (seen[1] + seen[3] / 2) / about.height] : [zoom.x, zoom.y]);
  zoom = { factor: Math.min(Math.max(zoom.factor * factor, 1), MOST), x, y };
  zoomed();
  draw();
}

function zoomed() {
  const shift = (middle) => Math.min(Math.max(0.5 - middle * zoom.factor, 1 - zoom.factor), 0) * 100;
  by("layer").style.transform = `translate(${shift(zoom.x)}%, ${shift(zoom.y)}%) scale(${zoom.factor})`;
  by("layer").style.setProperty("--zoom", zoom.factor);
  by("out").disabled = zoom.factor === 1;
  by("in").disabled = zoom.factor === MOST;
}

function wheel(event) {
  // A pinch comes as a wheel with Ctrl; a plain wheel scrolls the page.
  if (!event.ctrlKey) return;
  event.preventDefault();
  const [x, y] = place(event);
  zoomBy(event.deltaY < 0 ? 1.25 : 0.8, [x / about.width, y / about.height]);
}
