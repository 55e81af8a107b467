"use strict";
// A camera: its live picture, and the frozen one that boxes are drawn on.

// What the stage shows: a run (or a clip), the live picture, or the frozen one.
let mode = "run";
// Requests for live pictures, and the one whose picture is shown.
let tick = 0;
let shownTick = 0;

// Shows one live picture after the other.
function watch() {
  if (mode !== "live" || news.over !== null) return;
  const [image, mine] = [by("frame"), ++tick];
  const done = () => {
    image.busy = false;
    if (mode !== "live" && image.next) load(image, image.next);
  };
  image.busy = true;
  image.next = image.dataset.shown = "";
  image.onload = () => {
    shownTick = mine;
    done();
    watch();
  };
  image.onerror = () => {
    done();
    setTimeout(watch, 1000);
  };
  image.src = address("live", { tick: mine });
}

function enter(next) {
  const before = mode;
  mode = next;
  if (mode === "live" && before !== "live") watch();
  show(mode === "run" ? newest() : 0);
}

// Boxes are drawn on the picture that was shown; those of the run before are where they were.
function freeze() {
  if (mode !== "live") return;
  for (const each of targets) [each.at, each.end] = [0, null];
  news.frozen = 0;
  enter("frozen");
  order("freeze", { tick: shownTick });
}

function thaw() {
  order("thaw");
  stop();
  enter("live");
}

function toldOfCamera() {
  if (news.over !== null) return `The camera has ended${news.over ? `: ${news.over}` : ""}.`;
  if (mode === "live") return "Live. Press Freeze to draw a box on the picture.";
  return ready().length ? "Frozen. Press Start." : "Frozen. Draw a box, then press Start.";
}

function tellCamera() {
  by("freeze").hidden = by("halt").hidden = !about.live;
  by("freeze").textContent = mode === "live" ? "Freeze" : "Live";
  by("freeze").disabled = isOpen() && mode === "run" || news.over !== null;
  by("halt").disabled = !isOpen();
  // A camera's frames can be looked through once they are tracked.
  by("film").hidden = by("plot").hidden = about.live && mode !== "run";
}
