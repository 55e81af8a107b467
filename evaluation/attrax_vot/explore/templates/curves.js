"use strict";
// Curves and points that answer the pointer and the arrow keys.

const WIDE = 560, HIGH = 320, LEFT = 46, RIGHT = 12, TOP = 12, BOTTOM = 38;

function frameOf(title, across, up, range) {
  const x = (value) => LEFT + ((value - range[0]) / (range[1] - range[0])) * (WIDE - LEFT - RIGHT);
  const y = (value) => HIGH - BOTTOM - value * (HIGH - TOP - BOTTOM);
  const svg = make("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": title, tabindex: 0 });
  for (let step = 0; step <= 5; step += 1) {
    svg.append(make("line", { class: "grid", x1: LEFT, x2: WIDE - RIGHT, y1: y(step / 5), y2: y(step / 5) }),
      make("text", { x: LEFT - 6, y: y(step / 5) + 4, "text-anchor": "end" }, (step / 5).toFixed(1)));
    const at = range[0] + (step / 5) * (range[1] - range[0]);
    svg.append(make("text", { x: x(at), y: HIGH - BOTTOM + 16, "text-anchor": "middle" }, range[1] > 5 ? String(Math.round(at)) : at.toFixed(1)));
  }
  svg.append(make("text", { x: (LEFT + WIDE - RIGHT) / 2, y: HIGH - 4, "text-anchor": "middle" }, across),
    make("text", { x: 12, y: (TOP + HIGH - BOTTOM) / 2, "text-anchor": "middle", transform: `rotate(-90 12 ${(TOP + HIGH - BOTTOM) / 2})` }, up));
  return { svg, x, y };
}

// Lines of trackers over the same steps. `steps[i]` is where `values[i]` is.
function curve(title, across, up, lines, steps, span) {
  const range = [steps[0], steps.at(-1)];
  const { svg, x, y } = frameOf(title, across, up, range);
  if (span) svg.append(make("rect", { class: "span", x: x(span[0]), y: y(1), width: x(Math.min(span[1], range[1])) - x(span[0]), height: y(0) - y(1) }));
  for (const { reference, values } of lines) {
    const points = steps.map((step, index) => [step, values[index]]).filter(([, each]) => each !== null && each !== undefined);
    const drawn = make("polyline", { points: points.map(([step, each]) => `${x(step).toFixed(1)},${y(each).toFixed(1)}`).join(" "), "stroke-dasharray": dash(reference) });
    drawn.style.stroke = colour(reference);
    svg.append(drawn);
  }
  const now = make("line", { class: "now", y1: y(1), y2: y(0), x1: -9, x2: -9 });
  const readout = make("div", { class: "readout", "aria-live": "polite" });
  svg.append(now);
  let at = null;
  const show = (index) => {
    at = Math.max(0, Math.min(steps.length - 1, index));
    now.setAttribute("x1", x(steps[at]));
    now.setAttribute("x2", x(steps[at]));
    readout.replaceChildren(`at ${Number(steps[at].toFixed(2))}:`, ...lines.map(({ reference, values }) =>
      make("span", {}, key(reference), `${label(reference)} ${number(values[at] ?? null, 3)}`)));
  };
  const point = (event) => {
    const area = svg.getBoundingClientRect();
    const value = ((event.clientX - area.x) / area.width * WIDE - LEFT) / (WIDE - LEFT - RIGHT) * (range[1] - range[0]) + range[0];
    show(Math.round((value - range[0]) / (range[1] - range[0]) * (steps.length - 1)));
  };
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerdown", point);
  svg.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!way) return;
    event.preventDefault();
    show((at ?? 0) + way * (event.shiftKey ? 10 : 1));
  });
  readout.replaceChildren(...lines.map(({ reference, note }) => make("span", {}, key(reference), `${label(reference)} ${note}`)));
  return make("figure", { class: "curve" }, make("figcaption", {}, title), svg, readout);
}

// A point for each tracker, with its name.
function points(title, across, up, marks) {
  const { svg, x, y } = frameOf(title, across, up, [0, 1]);
  const readout = make("div", { class: "readout", "aria-live": "polite" });
  const all = () => readout.replaceChildren(...marks.map((each) => make("span", {}, key(each.reference), label(each.reference))));
  const tell = ({ reference, across: a, up: b }) =>
    readout.replaceChildren(make("span", {}, key(reference), `${label(reference)}: ${across} ${number(a, 3)}, ${up} ${number(b, 3)}`));
  let below = -99;
  for (const mark of [...marks].sort((one, other) => one.up - other.up)) {
    const drawn = make("path", { d: outline(mark.reference), transform: `translate(${x(mark.across)} ${y(mark.up)}) scale(1.2)` });
    drawn.style.fill = colour(mark.reference);
    const left = mark.across > 0.6;
    // Names of points at nearly the same height are moved apart.
    const lifted = Math.max(y(0) - y(mark.up), below + 13);
    below = lifted;
    svg.append(drawn, make("text", { class: "name", x: x(mark.across) + (left ? -11 : 11), y: y(0) - lifted + 4, "text-anchor": left ? "end" : "start" }, label(mark.reference)));
  }
  const near = (event) => {
    const area = svg.getBoundingClientRect();
    const [px, py] = [(event.clientX - area.x) / area.width * WIDE, (event.clientY - area.y) / area.height * HIGH];
    const far = (each) => Math.hypot(x(each.across) - px, y(each.up) - py);
    if (marks.length) tell(marks.reduce((a, b) => (far(a) <= far(b) ? a : b)));
  };
  svg.addEventListener("pointermove", near);
  svg.addEventListener("pointerdown", near);
  svg.addEventListener("pointerleave", all);
  let at = -1;
  svg.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!way || !marks.length) return;
    event.preventDefault();
    at = (at + way + marks.length) % marks.length;
    tell(marks[at]);
  });
  all();
  return make("figure", { class: "curve" }, make("figcaption", {}, title), svg, readout);
}

function drawCurves() {
  const trackers = shown(), kind = experiment();
  if (!trackers.length) return by("curves").replaceChildren();
  if (kind.kind === "supervised") {
    const longest = Math.max(...trackers.map((each) => each.curve.length), 3);
    const steps = Array.from({ length: longest - 1 }, (_, index) => index + 1);
    const lines = trackers.map((each) => ({ reference: each.reference, values: each.curve.slice(1), note: number(each.total.eao, 3) }));
    const marks = trackers.map((each) => ({ reference: each.reference, across: each.total.robustness, up: each.total.accuracy }))
      .filter((each) => each.across !== null && each.up !== null);
    return by("curves").replaceChildren(
      curve("Expected average overlap; its mean over the band is EAO", "frames since an initialisation", "expected average overlap", lines, steps, kind.interval),
      points("Accuracy and robustness; better is up and to the right", "robustness", "accuracy", marks));
  }
  const lines = (of) => trackers.map((each) => ({ reference: each.reference, values: each[of], note: number(each.total[of], 3) }));
  return by("curves").replaceChildren(
    curve("Success plot of OTB; the number is the area", "overlap threshold", "share of frames", lines("success"), kind.thresholds.success),
    curve("Precision plot of OTB; the number is at 20 px", "distance of the centres, px", "share of frames", lines("precision"), kind.thresholds.precision));
}
