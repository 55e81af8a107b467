"use strict";
// The page of attrax view: its state, and its requests, one after the other.

const by = (id) => document.getElementById(id);
const token = new URLSearchParams(location.search).get("token");
const COLOURS = ["one", "two", "three", "four", "five", "six", "seven", "eight"];
// A reloaded page is the same page; a second one is not.
const again = performance.getEntriesByType("navigation")[0]?.type === "reload" && sessionStorage.getItem("page");
const page = again || Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16)).join("-");
sessionStorage.setItem("page", page);

let about = null;
let news = { version: 0, run: 0, phase: "ready", reason: "", names: [], targets: [], trackers: 0, start: 0, frozen: 0, over: null };
// The tracked frames, of which the first has the number news.start.
let frames = [];
// The frame that is shown, by its number in the clip from 0, and whether it is always the newest tracked one.
let at = 0;
let follows = true;
let trouble = "";

const newest = () => (frames.length ? news.start + frames.length - 1 : news.start);
const length = () => Math.max(about.count ?? 0, newest() + 1, 1);
const shot = (frame = at) => (mode === "run" ? frames[frame - news.start] : undefined);

function address(path, values = {}) {
  // Names alone have letters that an address cannot hold.
  const written = (key, value) => (key.startsWith("name") ? encodeURIComponent(value) : value);
  const pairs = Object.entries({ token, page, ...values }).map(([key, value]) => `${key}=${written(key, value)}`);
  return `${path}?${pairs.join("&")}`;
}

async function ask(path, values, method = "GET") {
  const answer = await fetch(address(path, values), { method });
  if (!answer.ok) throw Object.assign(new Error(await answer.text()), { status: answer.status });
  return answer;
}

// Sends an order, and says whether it was taken; a refusal is shown.
async function order(path, values) {
  try {
    await ask(path, values, "POST");
    trouble = "";
  } catch (error) {
    trouble = error.message;
  }
  tell();
  return !trouble;
}

function take(next) {
  const fresh = next.run !== news.run;
  if (next.from === 0 || fresh) frames = [];
  frames.length = Math.min(frames.length, next.from);
  frames.push(...next.frames);
  const renamed = next.names.join("\n") !== news.names.join("\n");
  news = next;
  if (fresh) {
    mode = "run";
    news.targets.forEach(({ end }, which) => {
      if (targets[which]) targets[which].end = end;
    });
    repeat().catch((error) => (trouble = error.message));
  }
  if (fresh || renamed) {
    choices();
    sights();
  }
  show(follows && news.run ? newest() : at);
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
  by("refused").hidden = true;
  by("main").hidden = false;
  const tenths = (box) => box.map((value) => Math.round(10 * value) / 10);
  const known = about.targets.map((each) => ({ ...each, box: tenths(each.box) }));
  targets = known.length ? known : [{ name: "", box: null, at: 0, end: null }];
  if (about.live) enter("live");
  select(0);
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
