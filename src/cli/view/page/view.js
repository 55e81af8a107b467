"use strict";
// The page of attrax view. It asks for news one request after the other, and shows one frame at a time.

const by = (id) => document.getElementById(id);
const token = new URLSearchParams(location.search).get("token");
const COLOURS = ["one", "two"];
// A page that was loaded again is the same page; a second one is not.
const again = performance.getEntriesByType("navigation")[0]?.type === "reload" && sessionStorage.getItem("page");
const page = again || Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16)).join("-");
sessionStorage.setItem("page", page);

let about = null;
let box = null;
let news = { version: 0, run: 0, phase: "ready", reason: "", names: [] };
let frames = [];
// The frame that is shown, counted from 0, and whether it is always the newest one.
let at = 0;
let follows = true;
let trouble = "";

function address(path, values = {}) {
  const pairs = Object.entries({ token, page, ...values }).map(([key, value]) => `${key}=${value}`);
  return `${path}?${pairs.join("&")}`;
}

async function ask(path, values, method = "GET") {
  const answer = await fetch(address(path, values), { method });
  if (!answer.ok) throw Object.assign(new Error(await answer.text()), { status: answer.status });
  return answer;
}

// What the page wants to be done; what is wrong with it is told.
async function order(path, values) {
  try {
    await ask(path, values, "POST");
    trouble = "";
  } catch (error) {
    trouble = error.message;
  }
  tell();
}

// The box.

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
  by("box").value = box.join(",");
  draw();
}

function place(event) {
  const area = by("stage").getBoundingClientRect();
  const share = (value, low, length) => Math.min(Math.max((value - low) / length, 0), 1);
  return [
    share(event.clientX, area.left, area.width) * about.width,
    share(event.clientY, area.top, area.height) * about.height,
  ];
}

let corner = null;

function drag(event) {
  if (!corner) return;
  const [x, y] = place(event);
  const [width, height] = [Math.abs(x - corner[0]), Math.abs(y - corner[1])];
  // Less is a tap, which changes nothing.
  if (width < 4 || height < 4) return;
  // A box is one in the first frame.
  if (at) seek(0);
  setBox([Math.min(x, corner[0]), Math.min(y, corner[1]), width, height]);
}

function pushBox(event) {
  const step = event.ctrlKey ? 10 : 1;
  const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
  const middle = [about.width * 0.4, about.height * 0.4, about.width * 0.2, about.height * 0.2];
  const [x, y, width, height] = box ?? middle;
  setBox(event.shiftKey ? [x, y, width + dx, height + dy] : [x + dx, y + dy, width, height]);
}

// What is shown.

function svg(parent, name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
}

function rectangle([x, y, width, height], kind) {
  svg(by("drawn"), "rect", { x, y, width, height, class: kind });
}

// The boxes over the frame: those that were found, and on the first frame, or before a run, the one that is being drawn.
function draw() {
  by("drawn").replaceChildren();
  const shown = frames[at];
  shown?.seen.forEach((seen, which) => rectangle(seen.box, `${COLOURS[which]} ${seen.found ? "" : "lost"}`));
  if (box && (at === 0 || corner)) {
    rectangle(box, "shade");
    rectangle(box, "draft");
  }
  tell();
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
  at = Math.max(0, Math.min(frame, frames.length - 1));
  const what = { run: news.run, frame: at };
  load(by("frame"), frames.length ? address("frame", what) : address("first"));
  const figures = [...by("sights").children];
  figures.forEach((figure, tracker) => {
    const seen = frames[at]?.seen[tracker];
    if (!seen) return;
    for (const image of figure.querySelectorAll("img")) load(image, address(image.dataset.map, { ...what, tracker }));
    const inside = seen.inside === null ? "" : `, ${Math.round(100 * seen.inside)} % of attention inside`;
    const state = seen.found ? "found" : "lost";
    figure.querySelector("figcaption").textContent = `${news.names[tracker]}: ${state}, score ${seen.score.toFixed(2)}${inside}`;
  });
  by("seek").max = Math.max(frames.length, 1);
  by("seek").value = at + 1;
  by("place").textContent = frames.length ? `${at + 1} / ${Math.max(about.count ?? 0, frames.length)}` : "";
  chart();
  draw();
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
}

function chart() {
  // In the first frame nothing is scored.
  const scored = frames.slice(1);
  const scores = scored.flatMap((frame) => frame.seen.map((seen) => seen.score)).filter(Number.isFinite);
  const [low, high] = [scores.reduce((a, b) => Math.min(a, b), -0.1), scores.reduce((a, b) => Math.max(a, b), 0.1)];
  const length = Math.max((about.count ?? 0) - 1, frames.length - 1, 1);
  const [x, y] = [(frame) => (100 * frame) / length, (score) => 4 + (92 * (high - score)) / (high - low)];
  const canvas = by("chart");
  canvas.setAttribute("viewBox", "0 0 100 100");
  canvas.replaceChildren();
  svg(canvas, "line", { x1: 0, x2: 100, y1: y(0), y2: y(0) });
  news.names.forEach((_, which) => {
    const points = scored.map((frame, number) => `${x(number + 1).toFixed(2)},${y(frame.seen[which].score).toFixed(2)}`);
    svg(canvas, "polyline", { points: points.join(" "), class: COLOURS[which] });
  });
  if (frames.length) svg(canvas, "line", { x1: x(at), x2: x(at), y1: 0, y2: 100, class: "now" });
  by("ends").textContent = scores.length ? `from ${low.toFixed(1)} to ${high.toFixed(1)}` : "";
}

// Frames a second over the last ones; the first one is learnt and says nothing.
function rate() {
  const last = frames.slice(1).slice(-20);
  return last.length / last.reduce((sum, frame) => sum + frame.seconds, 0);
}

function told() {
  if (trouble) return trouble;
  const speed = frames.length > 1 ? `, ${rate().toFixed(1)} frames a second` : "";
  const tracked = `${frames.length}${about.count ? ` of ${about.count}` : ""} frames tracked${speed}`;
  if (news.phase === "ready") return box ? "Press Start." : "Draw a box around the target, then press Start.";
  if (news.phase === "learning") return "Learning the first frame …";
  if (news.phase === "ended") return news.reason ? `Ended: ${news.reason}. ${tracked}` : `Done: ${tracked}`;
  return news.phase === "paused" ? `Paused: ${tracked}` : `Tracking: ${tracked}`;
}

function tell() {
  if (!about) return;
  by("state").textContent = told();
  by("state").classList.toggle("wrong", Boolean(trouble || news.reason));
  const open = ["learning", "running", "paused"].includes(news.phase);
  by("start").disabled = !box;
  by("start").textContent = news.run ? "Start again" : "Start";
  by("pause").disabled = !open;
  by("pause").textContent = news.phase === "paused" ? "Go on" : "Pause";
  by("step").disabled = news.phase !== "paused";
  for (const id of ["boxes", "video"]) by(id).disabled = !frames.length || by(id).dataset.busy;
  document.body.dataset.phase = news.phase;
}

// What is done.

function start() {
  if (!box) return;
  const also = by("both").checked ? { also: by("also").value, also_lambda: by("also_lambda").value } : {};
  follows = true;
  order("start", { box: box.join(","), maps: Number(by("maps").checked), preset: by("preset").value, lambda: by("lambda").value, ...also });
}

function seek(frame) {
  follows = frame >= frames.length - 1;
  show(frame);
}

async function save(id, name) {
  const [button, run] = [by(id), news.run];
  button.dataset.busy = "yes";
  tell();
  try {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await (await ask(id, { run })).blob());
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    trouble = "";
  } catch (error) {
    trouble = error.message;
  }
  delete button.dataset.busy;
  tell();
}

function press(event) {
  if (event.altKey || event.metaKey || !about || by("main").hidden) return;
  const on = (selector) => event.target.closest(selector);
  if (event.key.startsWith("Arrow")) {
    if (on("#stage")) pushBox(event);
    else if (!on("input, select") && event.key === "ArrowLeft") seek(at - 1);
    else if (!on("input, select") && event.key === "ArrowRight") seek(at + 1);
    else return;
    event.preventDefault();
    return;
  }
  const button = { s: "start", S: "start", " ": "pause", n: "step", N: "step" }[event.key];
  // Fields keep their letters, buttons and boxes to tick their space.
  const kept = event.key === " " ? "button, select, input:not(#seek)" : "select, input:not(#seek, [type=checkbox])";
  if (!button || event.ctrlKey || on(kept)) return;
  by(button).click();
  event.preventDefault();
}

// What comes.

function take(next) {
  const fresh = next.run !== news.run;
  if (next.from === 0 || fresh) frames = [];
  frames.length = Math.min(frames.length, next.from);
  frames.push(...next.frames);
  news = next;
  if (fresh) sights();
  show(follows ? frames.length - 1 : at);
}

async function begin() {
  about = await (await ask("about")).json();
  by("clip").textContent = `${about.name}, ${about.width} × ${about.height}`;
  by("drawn").setAttribute("viewBox", `0 0 ${about.width} ${about.height}`);
  by("stage").style.aspectRatio = `${about.width} / ${about.height}`;
  by("stage").style.maxWidth = `calc(72vh * ${about.width / about.height})`;
  for (const id of ["preset", "also"]) {
    by(id).replaceChildren(...about.presets.map(({ name }) => new Option(name, name)));
    const help = () => (by(`${id === "also" ? "also_" : ""}help`).textContent = about.presets[by(id).selectedIndex].help);
    by(id).onchange = help;
    by(id).value = id === "also" ? "mdnet" : about.preset;
    help();
  }
  if (about.lambda !== null) by("lambda").value = about.lambda;
  by("box").value = (about.box ?? []).map((value) => Math.round(10 * value) / 10).join(",");
  by("refused").hidden = true;
  by("main").hidden = false;
  readBox();
  show(0);
}

async function listen() {
  for (;;) {
    try {
      if (!about) await begin();
      take(await (await ask("news", { since: news.version, run: news.run, from: frames.length })).json());
    } catch (error) {
      const other = error.status === 409;
      by("refused").hidden = !other;
      by("main").hidden = other;
      if (other) about = null;
      else if (about) by("state").textContent = `attrax view does not answer: ${error.message}`;
      else document.title = error.message;
      await new Promise((done) => setTimeout(done, 1000));
    }
  }
}

by("stage").onpointerdown = (event) => {
  if (event.button) return;
  by("stage").setPointerCapture(event.pointerId);
  corner = place(event);
};
by("stage").onpointermove = drag;
by("stage").onpointerup = by("stage").onpointercancel = () => {
  corner = null;
  draw();
};
by("box").oninput = readBox;
by("start").onclick = start;
by("pause").onclick = () => order(news.phase === "paused" ? "go" : "pause");
by("step").onclick = () => order("step");
by("boxes").onclick = () => save("boxes", "boxes.csv");
by("video").onclick = () => save("video", "seen.mp4");
by("seek").oninput = (event) => seek(event.target.value - 1);
by("chart").onclick = (event) => {
  const area = by("chart").getBoundingClientRect();
  const length = Math.max((about.count ?? 0) - 1, frames.length - 1, 1);
  seek(Math.round(((event.clientX - area.left) / area.width) * length));
};
by("both").onchange = () => {
  for (const id of ["also", "also_lambda"]) by(id).disabled = !by("both").checked;
};
by("settings").onsubmit = (event) => {
  event.preventDefault();
  start();
};
document.onkeydown = press;
addEventListener("pagehide", () => navigator.sendBeacon(address("leave")));
listen();
