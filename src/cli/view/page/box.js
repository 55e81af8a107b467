"use strict";
// The box of the selected target: typed, drawn, moved, or resized by its corners.

// While a box is dragged: what moves, and from where.
let corner = null;
// Pointers on the stage; two of them zoom.
const pointers = new Map();
// Distance to a corner that still takes it, pixels of the screen.
const REACH = 14;

function readBox() {
  const numbers = by("box").value.split(",").map((text) => (text.trim() ? Number(text) : NaN));
  const good = numbers.length === 4 && numbers.every(Number.isFinite) && numbers[2] > 0 && numbers[3] > 0;
  target().box = good ? numbers : null;
  draw();
}

function setBox(next) {
  const width = Math.min(Math.max(next[2], 1), about.width);
  const height = Math.min(Math.max(next[3], 1), about.height);
  const x = Math.min(Math.max(next[0], 0), about.width - width);
  const y = Math.min(Math.max(next[1], 0), about.height - height);
  target().box = [x, y, width, height].map((value) => Math.round(10 * value) / 10);
  target().at = at;
  by("box").value = target().box.join(",");
  draw();
}

function place(event) {
  const area = by("layer").getBoundingClientRect();
  const share = (value, low, length) => Math.min(Math.max((value - low) / length, 0), 1);
  return [
    share(event.clientX, area.left, area.width) * about.width,
    share(event.clientY, area.top, area.height) * about.height,
  ];
}

// The box of a target in the shown frame: the drawn one, or else the tracked one.
const boxOf = (which) => (targets[which].box && targets[which].at === at ? targets[which].box : shot()?.seen[lineOf(which)]?.box);
const shownBox = () => boxOf(current);
const pixel = () => about.width / by("layer").getBoundingClientRect().width;

function grab(event) {
  if (event.button) return;
  pointers.set(event.pointerId, event);
  by("stage").setPointerCapture(event.pointerId);
  if (pointers.size > 1) {
    corner = null;
    return;
  }
  if (mode === "live") freeze();
  const [x, y] = place(event);
  corner = [x, y];
  const old = shownBox();
  if (!old) return;
  const [left, top, width, height] = old;
  const ends = [[left, top], [left + width, top], [left, top + height], [left + width, top + height]];
  const near = ([cx, cy]) => Math.hypot(cx - x, cy - y) < REACH * pixel();
  const taken = ends.findIndex(near);
  const middle = Math.min(width, height) > 5 * REACH * pixel() && near([left + width / 2, top + height / 2]);
  // The opposite corner stays where it is.
  if (taken >= 0) corner = Object.assign(ends[3 - taken], { pressed: [x, y] });
  else if (event.shiftKey || middle) corner.moves = old;
}

function drag(event) {
  if (pointers.size > 1) return pinch(event);
  if (!corner) return;
  const [x, y] = place(event);
  if (corner.moves) {
    const [left, top, width, height] = corner.moves;
    setBox([left + x - corner[0], top + y - corner[1], width, height]);
    corner.drawn = true;
    return;
  }
  const sides = ([cx, cy]) => [Math.abs(x - cx), Math.abs(y - cy)];
  // A corner that is pulled onto the opposite one draws a new box instead.
  if (corner.pressed && Math.min(...sides(corner)) < 4) corner = corner.pressed;
  const [width, height] = sides(corner);
  // Less is a tap, which draws nothing.
  if (width < 4 || height < 4) return;
  setBox([Math.min(x, corner[0]), Math.min(y, corner[1]), width, height]);
  corner.drawn = true;
}

// Two fingers zoom about the place between them.
function pinch(event) {
  if (!pointers.has(event.pointerId)) return;
  const distance = () => {
    const [one, other] = [...pointers.values()];
    return Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
  };
  const before = distance();
  pointers.set(event.pointerId, event);
  const [one, other] = [...pointers.values()].map(place);
  if (before > 0) zoomBy(distance() / before, [(one[0] + other[0]) / 2 / about.width, (one[1] + other[1]) / 2 / about.height]);
}

// A tap selects the smallest target whose box is there.
function release(event) {
  pointers.delete(event.pointerId);
  const tapped = corner && !corner.drawn && event.type === "pointerup";
  corner = null;
  if (!tapped) return draw();
  const [x, y] = place(event);
  const area = (which) => boxOf(which)[2] * boxOf(which)[3];
  const under = targets.map((_, which) => which).filter((which) => {
    const [left, top, width, height] = boxOf(which) ?? [Infinity, 0, 0, 0];
    return left <= x && x <= left + width && top <= y && y <= top + height;
  });
  if (under.length) select(under.reduce((best, which) => (area(which) < area(best) ? which : best)));
  else draw();
}

function pushBox(event) {
  const step = event.ctrlKey ? 10 : 1;
  const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
  const middle = [about.width * 0.4, about.height * 0.4, about.width * 0.2, about.height * 0.2];
  if (mode === "live") freeze();
  const [x, y, width, height] = shownBox() ?? target().box ?? middle;
  setBox(event.shiftKey ? [x, y, width + dx, height + dy] : [x + dx, y + dy, width, height]);
}
