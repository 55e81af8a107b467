"use strict";
// The player: a frame of a sequence with ground truth and the boxes of trackers, and ways through the frames.

// The open sequence as /sequence gives it, runs by tracker, the frame, and the windows in which two trackers differ.
let clip = null;
let runs = new Map();
let at = 0;
let playing = false;
let windows = [];
let chosenWindow = -1;
// Loads that have been overtaken by another one do nothing when they end.
let load = 0;

function openPlayer(sequence, tracker = "", frame = 0) {
  location.hash = new URLSearchParams({ sequence, experiment: experiment().name, ...(tracker && { tracker }), frame }).toString();
}

// Shows what the address names: the overview, or a frame of a sequence.
async function route() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const sequence = wanted.get("sequence");
  by("overview").hidden = Boolean(sequence);
  by("player").hidden = !sequence;
  if (!sequence) {
    playing = false;
    clip = null;
    drawCurves();
    return;
  }
  if (board.experiments.some((each) => each.name === wanted.get("experiment"))) by("experiment").value = wanted.get("experiment");
  drawChoices();
  const frame = Number(wanted.get("frame")) || 0;
  try {
    if (clip?.name !== sequence || clip.experiment !== experiment().name) await openSequence(sequence, wanted.get("tracker"));
    if (clip) go(frame);
  } catch (error) {
    report(error.message, true);
  }
}

async function openSequence(sequence, only) {
  load += 1;
  const mine = load, of = experiment().name;
  playing = false;
  const found = await ask("/sequence", { sequence, experiment: of });
  if (mine !== load) return;
  clip = { ...found, experiment: of };
  runs = new Map();
  by("sequence").textContent = sequence;
  by("seek").max = clip.frames - 1;
  const there = Object.entries(clip.repetitions), most = Math.max(1, ...there.map(([, indices]) => indices.at(-1)));
  fill(by("repetition"), Array.from({ length: most }, (_, index) => [String(index + 1), String(index + 1)]), "1");
  const names = there.map(([reference]) => [reference, label(reference)]);
  fill(by("looked"), names, clip.seers.find((each) => names.some(([reference]) => reference === each)) ?? by("looked").value);
  fill(by("first"), names);
  fill(by("second"), names);
  if (by("first").value === by("second").value && names.length > 1) by("second").selectedIndex = by("first").selectedIndex ? 0 : 1;
  const chosen = new Set(there.map(([reference]) => reference).filter((each) => (only ? each === only : !hidden.has(each))));
  by("runs").replaceChildren(by("runs").firstElementChild, ...there.map(([reference]) => make("label", {},
    make("input", { type: "checkbox", value: reference, checked: chosen.has(reference), on: { change: drawAll } }),
    key(reference), label(reference), make("output", { "data-of": reference }))));
  // The boxes first: windows of all sequences may take longer.
  await loadRuns(mine);
  if (mine === load) await findWindows();
}

// The repetition of a tracker that is shown: a deterministic tracker has fewer than others.
function repetitionOf(tracker, of = clip) {
  const wanted = Number(by("repetition").value), indices = of.repetitions[tracker];
  return indices.includes(wanted) ? wanted : indices.at(-1);
}

async function loadRuns(mine = load) {
  const of = clip;
  await Promise.all(Object.keys(of.repetitions).map(async (tracker) => {
    const run = await ask("/run", { sequence: of.name, experiment: of.experiment, tracker, repetition: repetitionOf(tracker, of) });
    if (mine === load) runs.set(tracker, run);
  }));
  if (mine === load) drawAll();
  showMaps();
}

const chosenRuns = () => [...by("runs").querySelectorAll("input:checked")].map((each) => each.value).filter((each) => runs.has(each));

// The part of the plane that is shown: the frame, or where there is none the ground truth's surroundings.
function area() {
  if (clip.size[0] > 1) return [0, 0, ...clip.size];
  const shapes = clip.truth.filter(Boolean).map(corners).flat();
  const [xs, ys] = [shapes.map(([x]) => x), shapes.map(([, y]) => y)];
  return [0, 0, Math.max(...xs, 1) * 1.1, Math.max(...ys, 1) * 1.1];
}

// The corners of a box (left, top, width, height) or of a polygon (x, y, x, y, ...).
function corners(region) {
  if (region.length === 4) {
    const [x, y, width, height] = region;
    return [[x, y], [x + width, y], [x + width, y + height], [x, y + height]];
  }
  return Array.from({ length: region.length / 2 }, (_, index) => [region[2 * index], region[2 * index + 1]]);
}

const path = (region) => `M${corners(region).map((each) => each.join(" ")).join("L")}Z`;

function stateOf(run) {
  const words = { init: "start", lost: "lost", skipped: "waits" };
  const score = run.scores[at] === null || run.scores[at] === undefined ? "" : `, sure ${number(run.scores[at], 2)}`;
  return (words[run.states[at]] ?? `overlap ${number(run.overlaps[at], 3)}`) + score;
}

function drawFrame() {
  const [left, top, width, height] = area(), stage = by("stage");
  stage.style.aspectRatio = `${width} / ${height}`;
  stage.style.maxWidth = `calc(${by("player").clientWidth < 700 ? 50 : 62}vh * ${width / height})`;
  by("boxes").setAttribute("viewBox", `${left} ${top} ${width} ${height}`);
  const drawn = [];
  const add = (region, attributes) => {
    if (!region) return;
    drawn.push(make("path", { class: "halo", d: path(region) }), make("path", { d: path(region), ...attributes }));
  };
  if (by("truth").checked) add(clip.truth[at], { class: "box truth" });
  for (const reference of chosenRuns()) add(runs.get(reference).regions[at], { class: "box", "stroke-dasharray": dash(reference), stroke: colour(reference), "data-of": reference });
  by("boxes").replaceChildren(...drawn);
  for (const output of by("runs").querySelectorAll("output")) {
    const run = runs.get(output.dataset.of);
    output.textContent = run ? stateOf(run) : "";
  }
  by("seek").value = at;
  by("place").textContent = `${at} / ${clip.frames - 1}`;
}

function drawAll() {
  if (!clip) return;
  drawFrame();
  drawTimelines();
}

const frameAddress = (number) => address("/frame", { sequence: clip.name, number });

function go(frame) {
  at = Math.max(0, Math.min(clip.frames - 1, frame));
  by("frame").src = frameAddress(at);
  const wanted = new URLSearchParams(location.hash.slice(1));
  wanted.set("frame", at);
  history.replaceState(null, "", `#${wanted}`);
  drawFrame();
  drawNow();
  showMaps();
}

// Frames are shown when they have come: a slow disk slows the film, and skips nothing.
async function play() {
  playing = !playing;
  by("play").textContent = playing ? "Pause" : "Play";
  if (playing && at >= clip.frames - 1) go(0);
  while (playing && clip && at < clip.frames - 1) {
    const until = performance.now() + 1000 / (clip.rate * Number(by("speed").value));
    const ahead = [1, 2, 3].map((step) => at + step).filter((each) => each < clip.frames);
    const images = ahead.map((each) => Object.assign(new Image(), { src: frameAddress(each) }));
    await images[0].decode().catch(() => {});
    await new Promise((done) => setTimeout(done, Math.max(0, until - performance.now())));
    if (playing && clip) go(at + 1);
  }
  playing = false;
  by("play").textContent = "Play";
}

// The nearest failure of the shown trackers before or after this frame.
function toFailure(way) {
  const all = chosenRuns().flatMap((each) => runs.get(each).states.flatMap((state, frame) => (state === "lost" ? [frame] : [])));
  const ahead = all.filter((frame) => (way > 0 ? frame > at : frame < at));
  if (!ahead.length) return report(way > 0 ? "no failure after this frame" : "no failure before this frame");
  report("");
  go(way > 0 ? Math.min(...ahead) : Math.max(...ahead));
}

async function findWindows() {
  const [first, second] = [by("first").value, by("second").value];
  windows = [];
  chosenWindow = -1;
  if (first && second && first !== second) {
    windows = await ask("/differences", { experiment: clip.experiment, first, second, length: by("length").value || 30,
      ...(!by("everywhere").checked && { sequence: clip.name }) });
  }
  by("windows").replaceChildren(...windows.map((each, index) => make("li", {}, make("button", { on: { click: () => toWindow(index) } },
    make("b", {}, each.sequence), ` ${each.start}–${each.start + each.frames - 1}: ${number(each.first, 2)} and ${number(each.second, 2)}`))));
  if (!windows.length) by("windows").replaceChildren(make("li", {}, "nowhere by 0.1 or more, or not run by both"));
}

function toWindow(index) {
  if (!windows.length) return report("the two trackers differ nowhere");
  chosenWindow = (index + windows.length) % windows.length;
  const { sequence, start } = windows[chosenWindow];
  const both = [by("first").value, by("second").value];
  for (const box of by("runs").querySelectorAll("input")) box.checked ||= both.includes(box.value);
  if (sequence === clip.name) {
    drawAll();
    return go(start);
  }
  const kept = [windows, chosenWindow];
  openSequence(sequence, "").then(() => {
    [windows, chosenWindow] = kept;
    openPlayer(sequence, "", start);
  });
}

function stepSpeed(way) {
  by("speed").selectedIndex = Math.max(0, Math.min(by("speed").options.length - 1, by("speed").selectedIndex + way));
}

const KEYS = {
  ArrowLeft: (far) => go(at - (far ? 10 : 1)),
  ArrowRight: (far) => go(at + (far ? 10 : 1)),
  Home: () => go(0),
  End: () => go(clip.frames - 1),
  " ": () => play(),
  f: (back) => toFailure(back ? -1 : 1),
  d: (back) => toWindow(chosenWindow + (back ? -1 : 1)),
  m: () => beginMaps(),
  "[": () => stepSpeed(-1),
  "]": () => stepSpeed(1),
  Escape: () => { location.hash = ""; },
};

document.addEventListener("keydown", (event) => {
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!clip || !act || event.ctrlKey || event.altKey || event.metaKey) return;
  // Fields and buttons have keys of their own.
  const name = event.target.tagName;
  if (name === "SELECT" || (name === "INPUT" && event.target.type !== "checkbox" && event.key !== "Escape")) return;
  if ((name === "BUTTON" || name === "INPUT") && event.key === " ") return;
  event.preventDefault();
  act(event.shiftKey);
});

by("back").addEventListener("click", () => { location.hash = ""; });
by("play").addEventListener("click", play);
by("earlier").addEventListener("click", () => go(at - 1));
by("later").addEventListener("click", () => go(at + 1));
by("failure").addEventListener("click", (event) => toFailure(event.shiftKey ? -1 : 1));
by("difference").addEventListener("click", (event) => toWindow(chosenWindow + (event.shiftKey ? -1 : 1)));
by("seek").addEventListener("input", () => go(Number(by("seek").value)));
by("truth").addEventListener("change", drawFrame);
by("repetition").addEventListener("change", () => loadRuns().catch((error) => report(error.message, true)));
for (const id of ["first", "second", "length", "everywhere"]) {
  by(id).addEventListener("change", () => findWindows().catch((error) => report(error.message, true)));
}
by("frame").addEventListener("error", () => { by("frame").hidden = true; });
by("frame").addEventListener("load", () => { by("frame").hidden = false; });
