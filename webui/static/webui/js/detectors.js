/** The pages of detector versions: charts out of the page's own data, and parts that follow what happens on the server. */

import { colour, lineChart } from "./charts.js";
import { word } from "./emotions.js";
import { gettext } from "./i18n.js";
import { watchJob } from "./jobs.js";

const FACE = "face";

for (const canvas of document.querySelectorAll("canvas[data-lines]")) {
  const { lines, x, y, max, maxX } = canvas.dataset;
  const series = JSON.parse(document.getElementById(lines).textContent);
  lineChart(
    canvas,
    series.map(({ label, ...line }) => ({ ...line, label: label === FACE ? gettext("face") : word(label), colour: colour(label === FACE ? "ink" : label) })),
    { x, y, maxX: Number(maxX) || undefined, maxY: Number(max) || undefined },
  );
}

const isOpen = (job) => job.state === "queued" || job.state === "running";
/** @type {Map<string, {stop: () => void, reloads: boolean}>} what is watched -> stops watching it; its end reloads */
const watching = new Map();
let timer = 0;

function watchAll() {
  const wanted = new Set();
  for (const { dataset } of document.querySelectorAll("[data-watch]")) {
    wanted.add(dataset.watch);
    if (watching.has(dataset.watch)) continue;
    const [kind, id] = dataset.watch.split(" ");
    const change = (job) => {
      if (dataset.end === "reload" && !isOpen(job)) location.reload();
      else refreshSoon();
    };
    watching.set(dataset.watch, { stop: watchJob(kind, Number(id), change), reloads: dataset.end === "reload" });
  }
  for (const [what, { stop, reloads }] of watching) {
    if (wanted.has(what)) continue;
    stop();
    watching.delete(what);
    if (reloads) location.reload(); // a refresh for something else has seen its end first
  }
}

function refreshSoon() {
  timer ||= setTimeout(refresh, 300);
}

/** Fetch the page and put its live parts in place of those shown, but not under somebody's hands. */
async function refresh() {
  timer = 0;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const newer = fresh.getElementById(part.id);
    if (newer && !part.contains(document.activeElement)) part.replaceWith(document.adoptNode(newer));
  }
  watchAll();
}

watchAll();
