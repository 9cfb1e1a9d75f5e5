/** The list of training runs: those that go on move by themselves. */

import { fill, gettext } from "../i18n.js";
import { stateNamed, watchJob } from "../jobs.js";
import { sayLeft, sayRun } from "./words.js";

const runs = document.getElementById("runs");

for (const row of document.querySelectorAll("tr[data-open]")) {
  const stop = watchJob("training-run", Number(row.dataset.run), (job) => {
    const state = row.querySelector(".state");
    state.dataset.state = job.status;
    state.textContent = stateNamed(job.status);
    row.querySelector("progress").value = job.progress;
    const inLine = job.queue_place && fill(gettext("number {place} in line"), { place: job.queue_place });
    row.querySelector("[data-said]").textContent = inLine || sayLeft(job) || sayRun(job);
    if (job.version) {
      const link = document.createElement("a");
      link.className = "version";
      link.href = `${runs.dataset.detectors}${job.version.id}/`;
      link.textContent = job.version.name;
      row.querySelector("[data-version]").replaceChildren(link);
    }
    if (job.finished_at) stop();
  });
}
