"use strict";
// What a tracker of attrax saw in the shown frame: computed by the tracker itself on request, and kept for the frames before.

// Stretches of frames whose maps are there, and the question that waits for some.
let stretches = [];
let asking = 0;

function mapsOf() {
  const tracker = by("looked").value;
  return { experiment: clip.experiment, sequence: clip.name, tracker, repetition: repetitionOf(tracker) };
}

const runOf = (wanted) => [wanted.experiment, wanted.sequence, wanted.tracker, wanted.repetition].join("\n");

function sayMaps(text, wrong = false) {
  by("maps-state").textContent = text;
  by("maps-state").classList.toggle("wrong", wrong);
}

// Shows the maps of the frame where they are there.
function showMaps() {
  if (!clip || !by("looked").value || !clip.repetitions[by("looked").value]) return;
  const wanted = mapsOf(), run = runOf(wanted);
  const found = stretches.findLast((each) => each.run === run && each.seen[0] <= at && at <= each.seen[1]);
  by("maps").hidden = !found;
  if (asking) return;
  if (!found) return sayMaps("");
  const href = address("/maps-picture", { ...wanted, frame: at });
  for (const id of ["attention", "scores"]) {
    if (by(id).firstElementChild?.getAttribute("href") === href) continue;
    by(id).replaceChildren(make("image", { href, height: 288, preserveAspectRatio: "xMinYMin", on: { error: () => {
      // Older pictures are removed when there are many.
      stretches = stretches.filter((each) => each !== found);
      showMaps();
    } } }));
  }
  const name = label(wanted.tracker);
  by("attention").setAttribute("aria-label", `Attention of ${name} in frame ${at}`);
  const share = found.inside[at - found.seen[0]];
  by("inside").textContent = share === null ? "" : `, ${Math.round(100 * share)} % of it inside the box`;
  by("scores").setAttribute("aria-label", `Scores of ${name} in frame ${at}`);
  sayMaps(`${name}, frames ${found.seen[0]} to ${found.seen[1]}, run again from frame ${found.first}: ${found.differs === null
    ? "the boxes of the results" : `other boxes than in the results from frame ${found.differs} on (another version, device or number of threads)`}`);
}

function busyMaps(found) {
  const busy = found?.state === "running";
  by("maps-progress").hidden = by("maps-stop").hidden = !busy;
  if (!busy) return;
  by("maps-progress").max = found.frames;
  by("maps-progress").value = found.done;
  sayMaps(found.done ? `${found.done} of ${found.frames} frames` : "learning the first frame");
}

// Asks for the maps of the shown frame and waits for them; another question takes the place of this one.
async function beginMaps() {
  if (!clip || !by("looked").value) return;
  asking += 1;
  const mine = asking, frame = at, wanted = mapsOf();
  showMaps();
  try {
    let found = await ask("/maps", { ...wanted, frame, begin: 1 });
    while (found.state === "running" && mine === asking) {
      busyMaps(found);
      await pause(0.4);
      found = await ask("/maps", { ...wanted, frame });
    }
    if (mine !== asking) return;
    busyMaps(null);
    asking = 0;
    if (found.state === "ready") {
      stretches = [...stretches.filter((each) => each.run !== runOf(wanted) || `${each.seen}` !== `${found.seen}`), { run: runOf(wanted), ...found }];
      showMaps();
      if (by("maps").hidden) sayMaps(`the maps of frames ${found.seen[0]} to ${found.seen[1]} are there`);
    } else sayMaps(found.state === "failed" ? found.error : "stopped", found.state === "failed");
  } catch (error) {
    if (mine !== asking) return;
    busyMaps(null);
    asking = 0;
    sayMaps(error.message, true);
  }
}

const stopMaps = () => ask("/maps-stop").catch((error) => sayMaps(error.message, true));

by("look").addEventListener("click", beginMaps);
by("looked").addEventListener("change", showMaps);
by("maps-stop").addEventListener("click", stopMaps);
// With the page its run ends.
window.addEventListener("pagehide", () => {
  if (asking) fetch(address("/maps-stop"), { keepalive: true });
});
