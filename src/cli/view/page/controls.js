"use strict";
// The controls: what each button and key does, and the line that says what happens.

// The formats of exports, by the names of their files.
const FILES = {
  groundtruth: "groundtruth.txt", mot: "mot.txt", coco: "coco.json", yolo: "yolo.tar", cvat: "cvat.xml", sequence: "sequence.tar",
};

// Frames a second over the last ones; the first one is learnt and says nothing.
function rate() {
  const last = frames.slice(1).slice(-20);
  return last.length / last.reduce((sum, frame) => sum + frame.seconds, 0);
}

// Seconds since the tracker began to learn.
let learns = { run: 0, since: 0 };

function learning() {
  if (learns.run !== news.run) learns = { run: news.run, since: Date.now() };
  return Math.round((Date.now() - learns.since) / 1000);
}

function told() {
  if (trouble) return trouble;
  const speed = frames.length > 1 ? `, ${rate().toFixed(1)} frames a second` : "";
  const left = news.skipped ? `, ${news.skipped} left out because newer ones had come` : "";
  const tracked = `${frames.length}${about.count ? ` of ${about.count}` : ""} frames tracked${speed}${left}`;
  if (about.live && mode !== "run") return toldOfCamera();
  if (news.phase === "ready") return ready().length ? "Press Start." : "Draw a box around the target, then press Start.";
  if (news.phase === "learning") return `${frames.length ? "Learning the box" : "Learning the first frame"}, ${learning()} s`;
  if (news.phase === "ended") return news.reason ? `Ended: ${news.reason}. ${tracked}` : `Done: ${tracked}`;
  return news.phase === "paused" ? `Paused: ${tracked}` : `Tracking: ${tracked}`;
}

function tell() {
  if (!about) return;
  by("state").textContent = told();
  by("state").classList.toggle("wrong", Boolean(trouble || (mode === "run" ? news.reason : news.over)));
  const open = isOpen() && mode === "run";
  by("start").disabled = !ready().length || (about.live && mode !== "frozen");
  by("start").textContent = news.run && mode === "run" ? "Start again" : "Start";
  by("pause").disabled = !open;
  by("pause").textContent = news.phase === "paused" ? "Go on" : "Pause";
  by("step").disabled = news.phase !== "paused";
  by("correct").disabled = !target().box || target().at !== at || !shot();
  by("correct").textContent = current < inRun() || !inRun() ? "Go on from this box" : "Follow this one too";
  tellTargets();
  tellCamera();
  by("play").textContent = playing ? "Stop" : "Play";
  by("play").disabled = length() < 2;
  for (const id of ["boxes", "video", "maps_video", "export"]) by(id).disabled = !frames.length || by(id).dataset.busy;
  by("maps_video").hidden = !news.maps;
  document.body.dataset.phase = news.phase;
}

async function start() {
  if (by("start").disabled) return;
  stop();
  const drawn = ready();
  const before = targets;
  // Those without a box stay after them; the order is that of the run.
  arrange([...drawn, ...targets.filter(({ box }) => !box)]);
  const also = by("both").checked ? { also: by("also").value, also_lambda: by("also_lambda").value } : {};
  follows = true;
  const settings = { maps: Number(by("maps").checked), preset: by("preset").value, lambda: by("lambda").value };
  if (!(await order("start", { ...described(drawn), ...settings, ...also }))) arrange(before);
}

// Goes on from the shown frame with the given box.
function correct() {
  if (by("correct").disabled) return;
  stop();
  follows = true;
  const { box, at: frame, name } = target();
  const what = { run: news.run, target: current, name, frame, box: box.join(",") };
  order("correct", { ...what, keep: Number(by("keep").checked) });
}

function seek(frame) {
  follows = news.run > 0 && frame >= newest() && news.phase !== "ended" && frame - newest() < 2;
  show(follows ? newest() : frame);
}

// Playing back, at the clip's own rate.
let playing = 0;

function stop() {
  clearTimeout(playing);
  playing = 0;
  tell();
}

function play() {
  if (playing) return stop();
  const last = frames.length ? newest() : length() - 1;
  if (at >= last) seek(frames.length ? news.start : 0);
  const next = () => {
    if (at >= last) return stop();
    playing = setTimeout(next, 1000 / ((about.rate ?? 25) * Number(by("speed").value)));
    // A slow line shows fewer frames, in time.
    follows = false;
    show(at + 1);
  };
  next();
}

// The command line that repeats the run.
async function repeat() {
  by("command").parentElement.hidden = !news.run;
  if (!news.run) return;
  const { line, reason } = await (await ask("command", { run: news.run })).json();
  by("command").textContent = line ?? `There is none: ${reason}.`;
}

async function save(id, name, what = id, values = {}) {
  const [button, run] = [by(id), news.run];
  button.dataset.busy = "yes";
  tell();
  try {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await (await ask(what, { run, ...values })).blob());
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

const KEYS = {
  s: "start", " ": "pause", n: "step", c: "correct", p: "play", "+": "in", "-": "out", a: "add", e: "end", f: "freeze", x: "halt",
};

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
  if (/^[1-8]$/.test(event.key) && !event.ctrlKey && !on("input:not(#seek, [type=checkbox]), select")) return select(event.key - 1);
  const button = KEYS[event.key.toLowerCase()];
  // Fields keep their letters, buttons and boxes to tick their space.
  const kept = event.key === " " ? "button, select, summary, input:not(#seek)" : "select, input:not(#seek, [type=checkbox])";
  if (!button || event.ctrlKey || on(kept)) return;
  by(button).click();
  event.preventDefault();
}

by("stage").onpointerdown = grab;
by("stage").onpointermove = drag;
by("stage").onpointerup = by("stage").onpointercancel = release;
by("stage").addEventListener("wheel", wheel, { passive: false });
by("box").oninput = () => {
  target().at = at;
  readBox();
};
by("start").onclick = start;
by("pause").onclick = () => order(news.phase === "paused" ? "go" : "pause");
by("step").onclick = () => order("step");
by("correct").onclick = correct;
by("play").onclick = play;
by("in").onclick = () => zoomBy(1.5);
by("out").onclick = () => zoomBy(1 / 1.5);
by("add").onclick = addTarget;
by("end").onclick = endTarget;
by("name").onchange = rename;
by("freeze").onclick = () => (mode === "live" ? freeze() : thaw());
by("halt").onclick = () => order("stop");
by("export").onclick = () => save("export", FILES[by("format").value], "export", { format: by("format").value, target: current });
by("boxes").onclick = () => save("boxes", "boxes.csv");
by("video").onclick = () => save("video", "seen.mp4");
by("maps_video").onclick = () => save("maps_video", "maps.mp4", "video", { maps: 1 });
by("seek").oninput = (event) => {
  stop();
  seek(event.target.value - 1);
};
by("chart").onclick = pointed;
by("both").onchange = () => {
  for (const id of ["also", "also_lambda"]) by(id).disabled = !by("both").checked;
  tell();
};
by("settings").onsubmit = (event) => {
  event.preventDefault();
  start();
};
document.onkeydown = press;
addEventListener("pagehide", () => navigator.sendBeacon(address("leave")));
addEventListener("resize", () => about && draw());
setInterval(() => news.phase === "learning" && tell(), 1000);
listen();
