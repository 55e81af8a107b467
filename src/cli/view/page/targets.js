"use strict";
// The targets: which one is selected, its name, and what begins and ends with it.

// Each target has a name, its box (or none yet), the box's frame, and the first frame in which it is not followed any more.
let targets = [{ name: "", box: null, at: 0, end: null }];
let current = 0;

const target = () => targets[current];
// Targets of the run; the others have only been drawn.
const inRun = () => (mode === "run" ? news.targets.length : 0);
// The line of a target in the run: one target may have a line for each of two trackers.
const lineOf = (which) => (which < inRun() ? (inRun() > 1 ? which : 0) : -1);
const nameOf = (which) => targets[which].name || `Target ${which + 1}`;
const isOpen = () => ["learning", "running", "paused"].includes(news.phase);

function select(which) {
  if (!targets[which]) return;
  current = which;
  by("box").value = target().box?.join(",") ?? "";
  by("name").value = target().name;
  choices();
  show(at);
}

// Puts the targets in another order; the selected one stays, if it is among them.
function arrange(next) {
  const chosen = target();
  targets = next;
  select(Math.max(targets.indexOf(chosen), 0));
}

// A button for each target.
function choices() {
  const buttons = targets.map((_, which) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = `choice of-${COLOURS[which]}`;
    button.setAttribute("aria-pressed", which === current);
    button.title = `${which + 1}`;
    button.textContent = nameOf(which);
    button.onclick = () => select(which);
    return button;
  });
  const focused = [...by("choices").children].indexOf(document.activeElement);
  by("choices").replaceChildren(...buttons);
  buttons[focused]?.focus();
}

function addTarget() {
  if (by("add").disabled) return;
  targets.push({ name: "", box: null, at, end: null });
  select(targets.length - 1);
}

// A target that is followed ends in the shown frame; one that has only been drawn is removed.
function endTarget() {
  if (by("end").disabled) return;
  if (current < inRun()) {
    order("end", { run: news.run, target: current, frame: at });
    return;
  }
  targets.splice(current, 1);
  select(Math.min(current, targets.length - 1));
}

function rename() {
  target().name = by("name").value.trim();
  choices();
  if (current < inRun()) order("name", { run: news.run, target: current, name: target().name });
}

// The targets of the next start: those with a box that have not ended, in the order of their frames.
function ready() {
  const drawn = targets.filter(({ box, end }) => box && (end === null || !inRun()));
  return drawn.sort((one, other) => one.at - other.at);
}

// What a start sends: box, box2 and so on.
function described(drawn) {
  const pairs = drawn.flatMap(({ name, box, at: frame }, which) => {
    const suffix = which ? which + 1 : "";
    return [[`box${suffix}`, box.join(",")], [`from${suffix}`, frame], [`name${suffix}`, name]];
  });
  return Object.fromEntries(pairs);
}

function tellTargets() {
  const drawn = targets.length > inRun();
  by("add").disabled = targets.length >= about.most || by("both").checked || news.trackers > 1 && inRun() > 0
    || (inRun() ? drawn : targets.some(({ box }) => !box));
  by("end").textContent = current < inRun() ? "End it here" : "Remove it";
  by("end").disabled = targets.length < 2 || (current < inRun() && (target().end !== null || !shot()?.seen[lineOf(current)]));
  by("both").disabled = targets.length > 1;
  by("target").hidden = targets.length < 2 && !target().box;
}
