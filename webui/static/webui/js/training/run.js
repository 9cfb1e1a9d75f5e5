/** The page of one training run: what it says of itself, its curves, its log. */

import { lineChart, setSeries } from "../charts.js";
import { decimal, fill, gettext, listed } from "../i18n.js";
import { stateNamed, watchJob } from "../jobs.js";
import { sayLeft, sayLosses, sayMemory, sayRun } from "./words.js";

const element = (id) => document.getElementById(id);
const { id, detectors, epochs: epochsAddress } = element("run").dataset;
const FIGURES = {
  [gettext("faces found (AP50)")]: (row) => row.valid?.face_AP50,
  [gettext("found and read, grid net (mAP50)")]: (row) => row.valid?.mAP50,
  [gettext("read right, close-up net")]: (row) => row.closeups?.accuracy,
};

const losses = lineChart(element("losses"), [], { x: gettext("epoch"), y: gettext("loss") });
const figures = lineChart(element("figures"), [], { x: gettext("epoch"), maxY: 1 });
let status = "";
let drawn = "";

show(JSON.parse(element("job").textContent)); // as it was when the page was sent
element("log").scrollTop = element("log").scrollHeight;
watchJob("training-run", Number(id), show, { gone: () => location.reload(), lost: (isLost) => document.body.toggleAttribute("data-lost", isLost) });

function show(job) {
  const { report } = job;
  element("state").dataset.state = job.status;
  element("state").textContent = stateNamed(job.status);
  element("said").textContent = sayRun(job);
  element("left").textContent = sayLeft(job);
  element("now").textContent = sayLosses(job);
  element("progress").value = job.progress;
  element("error").textContent = job.error;
  element("error").hidden = !job.error;
  element("cancel").hidden = !job.can_cancel;
  element("resume").hidden = !job.can_resume;
  if (!job.can_cancel && element("ask").open) element("ask").close("no");
  showVersion(job.version);
  if (report.hardware) {
    element("device").textContent = `${report.hardware.device}: ${report.hardware.name}`;
    element("threads").textContent = report.hardware.threads;
    element("arithmetic").textContent = report.hardware.arithmetic;
    element("memory").textContent = sayMemory(report);
  }
  element("command").textContent = job.command;
  showLog(job.log.join("\n"));
  if (status && status !== job.status) element("announcer").textContent = sayRun(job);
  status = job.status;
  const epochs = `${report.epochs_done} ${job.status}`;
  if (epochs !== drawn) drawCurves().then((isDone) => { if (isDone) drawn = epochs; });
}

function showVersion(version) {
  element("result").hidden = !version;
  if (!version) return;
  element("version").href = `${detectors}${version.id}/`;
  element("version").textContent = version.name;
}

/** The end stays in sight unless somebody scrolled up to read. */
function showLog(text) {
  const log = element("log");
  if (log.textContent === text) return;
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  log.textContent = text;
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

async function drawCurves() {
  const answer = await fetch(epochsAddress).catch(() => null);
  if (!answer?.ok) return false; // tried again with the next news
  const rows = await answer.json();
  const terms = [...new Set(rows.flatMap((row) => Object.keys(row.train)))].filter((term) => term !== "loss");
  draw(losses, rows, Object.fromEntries(terms.map((term) => [term, (row) => row.train[term]])), "losses-said");
  draw(figures, rows, FIGURES, "figures-said");
  return true;
}

function draw(chart, rows, lines, saidIn) {
  const series = Object.entries(lines).map(([label, value]) => ({
    label,
    points: rows.filter((row) => value(row) != null).map((row) => ({ x: row.epoch, y: value(row) })),
  }));
  const shown = series.filter(({ points }) => points.length);
  setSeries(chart, shown);
  if (!shown.length) return;
  const last = shown.map(({ label, points }) => `${label} ${decimal(points.at(-1).y, 3)}`);
  element(saidIn).textContent = fill(gettext("After epoch {epoch}: {figures}."), { epoch: shown[0].points.at(-1).x, figures: listed(last) });
}

element("cancel").addEventListener("submit", (event) => {
  event.preventDefault();
  element("ask").returnValue = "";
  element("ask").showModal();
});
element("ask").addEventListener("close", () => {
  if (element("ask").returnValue === "yes") element("cancel").submit();
});

if (navigator.clipboard) {
  element("copy").hidden = false;
  element("copy").addEventListener("click", async () => {
    await navigator.clipboard.writeText(element("command").textContent);
    element("copy").textContent = element("announcer").textContent = gettext("Copied");
    setTimeout(() => { element("copy").textContent = gettext("Copy"); }, 2000);
  });
}
