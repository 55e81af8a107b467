"use strict";
// The page's beginning, and news of what a run has ended.

const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

function show(found) {
  const first = board === null;
  board = found;
  // Colours follow the registry's order, which no score changes.
  for (const each of board.experiments.flatMap((one) => one.trackers).map((one) => one.reference).sort()) place(each);
  by("title").textContent = board.title;
  report(board.problems.join("; ") || board.busy, Boolean(board.problems.length));
  drawChoices();
  drawTrackers();
  drawTable();
  if (first) return route();
  if (!by("overview").hidden) drawCurves();
  return null;
}

async function follow() {
  for (;;) {
    try {
      const found = await ask("/overview", { since: board?.version ?? 0 });
      if (found.title !== undefined) await show(found);
    } catch (error) {
      report(`attrax-vot explore does not answer: ${error.message}`, true);
      await pause(3);
    }
  }
}

window.addEventListener("hashchange", route);
follow();
