/** The pages of data sets: uploading one, watching checks, drawing what they found. */

import { barChart, groupedBarChart } from "./charts.js";
import { watchJob } from "./jobs.js";
import { uploadForm } from "./dataset_upload.js";

const form = document.getElementById("upload");
if (form) uploadForm(form);

/** A check that goes on: its progress, and the whole page anew when it has ended. */
for (const place of document.querySelectorAll("[data-dataset]")) {
  const words = place.querySelector("#check-words");
  const state = place.querySelector(".state") ?? document.getElementById("state");
  watchJob(
    "dataset",
    Number(place.dataset.dataset),
    (job) => {
      if (job.state !== "queued" && job.state !== "running") {
        location.reload();
        return;
      }
      place.querySelector("progress").value = job.progress;
      state.textContent = state.dataset.state = job.state;
      // In steps: screen readers say each change.
      if (words && job.state === "running") words.textContent = `${Math.floor(job.progress * 10) * 10} % looked through.`;
    },
    { gone: () => location.assign("/datasets/") },
  );
}

const found = document.getElementById("charts");
if (found) {
  const { classes, splits, sizes, boxes } = JSON.parse(found.textContent);
  const series = Object.entries(splits).map(([label, values]) => ({ label, values }));
  groupedBarChart(document.getElementById("classes-chart"), classes, series, { y: "faces" });
  const canvas = document.getElementById("sizes-chart");
  canvas.setAttribute("aria-label", sizes.map((size, index) => `${size} pixels: ${boxes[index]} boxes`).join("; "));
  barChart(canvas, sizes, boxes, { x: "boxes", y: "pixels" });
}
