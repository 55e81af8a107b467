"use strict";
// The box: typed, drawn, moved, or resized by its corners.

// The given box and the frame that it belongs to.
let box = null;
let boxAt = 0;
// While a box is dragged: what moves, and from where.
let corner = null;
// Distance to a corner that still takes it, pixels of the screen.
const REACH = 14;

function readBox() {
  const numbers = by("box").value.split(",").map((text) => (text.trim() ? Number(text) : NaN));
  const good = numbers.length === 4 && numbers.every(Number.isFinite) && numbers[2] > 0 && numbers[3] > 0;
  box = good ? numbers : null;
  draw();
}

function setBox(next) {
  const width = Math.min(Math.max(next[2], 1), about.width);
  const height = Math.min(Math.max(next[3], 1), about.height);
  const x = Math.min(Math.max(next[0], 0), about.width - width);
  const y = Math.min(Math.max(next[1], 0), about.height - height);
  box = [x, y, width, height].map((value) => Math.round(10 * value) / 10);
  boxAt = at;
  by("box").value = box.join(",");
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

// The box of the shown frame: the given one, or else the first tracker's.
const shownBox = () => (box && boxAt === at ? box : shot()?.seen[0].box);
const pixel = () => about.width / by("layer").getBoundingClientRect().width;

function grab(event) {
  if (event.button) return;
  by("stage").setPointerCapture(event.pointerId);
  const [x, y] = place(event);
  corner = [x, y];
  const old = shownBox();
  if (!old) return;
  const [left, top, width, height] = old;
  const ends = [[left, top], [left + width, top], [left, top + height], [left + width, top + height]];
  const taken = ends.findIndex(([cx, cy]) => Math.hypot(cx - x, cy - y) < REACH * pixel());
  // The opposite corner stays where it is.
  if (taken >= 0) corner = Object.assign(ends[3 - taken], { pressed: [x, y] });
  else if (event.shiftKey) corner.moves = old;
}

function drag(event) {
  if (!corner) return;
  const [x, y] = place(event);
  if (corner.moves) {
    const [left, top, width, height] = corner.moves;
    setBox([left + x - corner[0], top + y - corner[1], width, height]);
    return;
  }
  const sides = ([cx, cy]) => [Math.abs(x - cx), Math.abs(y - cy)];
  // A corner that is pulled onto the opposite one draws a new box instead.
  if (corner.pressed && Math.min(...sides(corner)) < 4) corner = corner.pressed;
  const [width, height] = sides(corner);
  // Less is a tap, which changes nothing.
  if (width < 4 || height < 4) return;
  setBox([Math.min(x, corner[0]), Math.min(y, corner[1]), width, height]);
}

function release() {
  corner = null;
  draw();
}

function pushBox(event) {
  const step = event.ctrlKey ? 10 : 1;
  const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
  const middle = [about.width * 0.4, about.height * 0.4, about.width * 0.2, about.height * 0.2];
  const [x, y, width, height] = shownBox() ?? box ?? middle;
  setBox(event.shiftKey ? [x, y, width + dx, height + dy] : [x + dx, y + dy, width, height]);
}
