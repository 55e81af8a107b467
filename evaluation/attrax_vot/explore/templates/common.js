"use strict";
// What all parts of the page use: requests, elements, and how each tracker is drawn.

const by = (id) => document.getElementById(id);
const token = new URLSearchParams(location.search).get("token");
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "12 4", "4 2", "1 4", "9 2 2 2 2 2"];
// Shapes around 0, 0: circle, square, triangle, diamond, cross, plus, triangle down, star.
const SHAPES = ["M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0", "M-4.5-4.5h9v9h-9z", "M0-6l5.5 10h-11z", "M0-6.5l6 6.5l-6 6.5l-6-6.5z",
  "M-5-3.2l1.8-1.8l3.2 3.2l3.2-3.2l1.8 1.8l-3.2 3.2l3.2 3.2l-1.8 1.8l-3.2-3.2l-3.2 3.2l-1.8-1.8l3.2-3.2z",
  "M-1.5-6h3v4.5h4.5v3h-4.5v4.5h-3v-4.5h-4.5v-3h4.5z", "M0 6l5.5-10h-11z", "M0-7l1.7 4.7h5l-4 3l1.5 4.8l-4.2-2.9l-4.2 2.9l1.5-4.8l-4-3h5z"];

// The newest answer of /overview, and the places of trackers: a tracker keeps its colour whatever is sorted.
let board = null;
const places = new Map();

function address(path, fields = {}) {
  return `${path}?${new URLSearchParams({ token, ...fields })}`;
}

async function ask(path, fields) {
  const answer = await fetch(address(path, fields));
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

// An element, in HTML or in SVG, with attributes and children.
function make(name, attributes = {}, ...children) {
  const svg = ["svg", "line", "path", "polyline", "text", "rect", "g", "title", "image"].includes(name);
  const found = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") for (const [kind, act] of Object.entries(value)) found.addEventListener(kind, act);
    else if (value !== false && value !== null && value !== undefined) found.setAttribute(key, value === true ? "" : value);
  }
  found.append(...children);
  return found;
}

function experiment() {
  return board?.experiments.find((each) => each.name === by("experiment").value) ?? board?.experiments[0];
}

function place(reference) {
  if (!places.has(reference)) places.set(reference, places.size);
  return places.get(reference);
}

const colour = (reference) => `var(--t${place(reference) % 8})`;
const dash = (reference) => DASHES[place(reference) % 8];
const outline = (reference) => SHAPES[place(reference) % 8];

function label(reference) {
  const all = board.experiments.flatMap((each) => each.trackers);
  const own = all.find((each) => each.reference === reference)?.label ?? reference;
  const twice = all.some((each) => each.label === own && each.reference !== reference);
  return twice ? reference : own;
}

// How a tracker is drawn: line and shape.
function key(reference) {
  const found = make("svg", { class: "key", viewBox: "0 0 36 16", "aria-hidden": "true" },
    make("line", { x1: 0, x2: 36, y1: 8, y2: 8, "stroke-width": 2.2, "stroke-dasharray": dash(reference) }),
    make("path", { d: outline(reference), transform: "translate(18 8)", "stroke-width": 0 }));
  found.style.color = colour(reference);
  return found;
}

function number(value, digits) {
  if (value === null || value === undefined) return "–";
  return digits === 1 && Number.isInteger(value) ? String(value) : value.toFixed(digits);
}

// Fills a select, and keeps what was chosen where it is still there.
function fill(select, options, chosen = select.value) {
  const same = [...select.options].map((each) => `${each.value}\n${each.text}`).join() === options.map(([value, text]) => `${value}\n${text}`).join();
  if (!same) select.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}

function report(text, wrong = false) {
  by("state").textContent = text;
  by("state").classList.toggle("wrong", wrong);
}
