/** The pages of data sets: uploading one, watching checks, drawing what they found. */

import { barChart, groupedBarChart } from "./charts.js";
import { percent } from "./emotions.js";
import { fill, gettext } from "./i18n.js";
import { stateNamed, watchJob } from "./jobs.js";
import { uploadForm } from "./dataset_upload.js";

const form = document.getElementById("upload");
if (form) uploadForm(form);

const isOpen = (job) => job.state === "queued" || job.state === "running";

/** A check in the list: its row only, because somebody may be uploading on this page. */
for (const row of document.querySelectorAll("tr[data-dataset]")) {
  const state = row.querySelector(".state");
  const stop = watchJob(
    "dataset",
    Number(row.dataset.dataset),
    (job) => {
      state.dataset.state = job.state;
      state.textContent = stateNamed(job.state);
      row.querySelector("progress").value = job.progress;
      if (isOpen(job)) return;
      row.querySelector("progress").remove();
      row.querySelector("[data-images]").textContent = job.images ?? "–";
      row.querySelector("[data-problems]").textContent = job.problems ?? "–";
      stop();
    },
    { gone: () => row.remove() },
  );
}

/** The check on the page of its data set: its progress, and the whole page anew when it has ended. */
const check = document.getElementById("check");
if (check) {
  const words = document.getElementById("check-words");
  const state = document.getElementById("state");
  watchJob(
    "dataset",
    Number(check.dataset.dataset),
    (job) => {
      if (!isOpen(job)) {
        location.reload();
        return;
      }
      check.querySelector("progress").value = job.progress;
      state.dataset.state = job.state;
      state.textContent = stateNamed(job.state);
      // In steps: screen readers say each change.
      if (job.state === "running") {
        words.textContent = fill(gettext("{percent} looked through."), { percent: percent(Math.floor(job.progress * 10) / 10) });
      };
    },
    { gone: () => location.assign(check.dataset.list) },
  );
}

const found = document.getElementById("charts");
if (found) {
  const { classes, splits, sizes, boxes } = JSON.parse(found.textContent);
  const series = Object.entries(splits).map(([label, values]) => ({ label, values }));
  groupedBarChart(document.getElementById("classes-chart"), classes, series, { y: gettext("faces") });
  const canvas = document.getElementById("sizes-chart");
  canvas.setAttribute("aria-label", sizes.map((size, index) => fill(gettext("{size} pixels: {count} boxes"), { size, count: boxes[index] })).join("; "));
  barChart(canvas, sizes, boxes, { x: gettext("boxes"), y: gettext("pixels") });
}
