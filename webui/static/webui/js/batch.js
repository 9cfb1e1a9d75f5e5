/** The page of one batch: how it comes along, its chart, its gallery. */

import { barChart, colour } from "./charts.js";
import { named } from "./emotions.js";
import { fill, gettext, listed } from "./i18n.js";
import { stateNamed, watchJob } from "./jobs.js";

const head = document.querySelector("#batch");
const REFRESH_PAUSE = 2000;
const ENDS = { failed: gettext("{failed} failed"), cancelled: gettext("{cancelled} cancelled") };

const chart = makeChart(JSON.parse(head.dataset.expressions));
let shownState = head.dataset.state;
let shownEnded = document.querySelector("#progress").value;
let refreshTimer = 0;

function makeChart(expressions) {
  const names = Object.keys(expressions);
  const made = barChart(document.querySelector("#chart"), names.map(named), Object.values(expressions), {
    colours: names.map(colour),
    x: gettext("Pictures"),
  });
  made.options.scales.x.ticks = { precision: 0 };
  describe(expressions);
  made.update();
  return made;
}

function describe(expressions) {
  const found = Object.entries(expressions).filter(([, count]) => count > 0);
  const words = listed(found.map(([name, count]) => `${named(name)} ${count}`));
  document.querySelector("#chart").setAttribute("aria-label", fill(gettext("Pictures by expression: {words}"), { words: words || gettext("none yet") }));
}

function show(batch) {
  const { counts } = batch;
  const ended = counts.succeeded + counts.failed + counts.cancelled;
  const state = document.querySelector("#state");
  state.dataset.state = batch.state;
  state.textContent = stateNamed(batch.state);
  document.querySelector("#progress").value = ended;
  const others = ["failed", "cancelled"].filter((name) => counts[name]).map((name) => fill(ENDS[name], { [name]: counts[name] }));
  document.querySelector("#says").textContent = listed([fill(gettext("{done} of {total} done"), { done: ended, total: counts.total }), ...others]);
  document.querySelector("#detector").textContent = batch.detector || "–";
  chart.data.datasets[0].data = Object.values(batch.expressions);
  chart.update();
  describe(batch.expressions);
  if (batch.state !== shownState || ended !== shownEnded || batch.webhook) refresh();
  shownState = batch.state;
  shownEnded = ended;
}

/** Take gallery, buttons and attempts anew from the server, which draws them; not more than every two seconds. */
function refresh() {
  refreshTimer ||= setTimeout(async () => {
    const answer = await fetch(location.href).catch(() => null);
    refreshTimer = 0;
    if (!answer?.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of ["actions", "found", "webhook"]) replace(document.getElementById(id), page.getElementById(id));
  }, REFRESH_PAUSE);
}

/** Change only what differs, so that the keyboard's focus stays where it is. */
function replace(old, fresh) {
  if (!old || !fresh || old.isEqualNode(fresh)) return;
  if (old.children.length !== fresh.children.length || old.children.length === 0) {
    const focused = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
    old.replaceWith(fresh);
    if (focused) [...fresh.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
    return;
  }
  for (const { name, value } of fresh.attributes) old.setAttribute(name, value);
  const olds = [...old.children];
  [...fresh.children].forEach((child, index) => {
    const same = olds[index].tagName === child.tagName && child.children.length > 0;
    if (same) replace(olds[index], child);
    else if (!olds[index].isEqualNode(child)) olds[index].replaceWith(child);
  });
}

/** A picture large, with its boxes. */
function enlarge(link) {
  const shot = link.closest(".shot");
  const picture = new Image();
  picture.src = link.href;
  picture.alt = link.querySelector("img").alt;
  document.querySelector("#large-frame").replaceChildren(picture, link.querySelector("svg").cloneNode(true));
  document.querySelector("#large-name").textContent = shot.querySelector(".shot-name").textContent;
  document.querySelector("#large-says").textContent = shot.querySelector("p").textContent;
  document.querySelector("#large-original").href = link.dataset.original;
  document.querySelector("#large").showModal();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest(".shot-picture");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  enlarge(link);
});

watchJob("batch", Number(head.dataset.id), show, {
  gone: () => location.assign(head.dataset.list),
  lost: (isLost) => {
    document.querySelector("#lost").hidden = !isLost;
  },
});
