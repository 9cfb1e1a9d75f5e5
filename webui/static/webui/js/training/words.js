/** How a training run is put into words. */

import { percent } from "../emotions.js";
import { decimal, fill, gettext, listed, ngettext, sentences, stopped } from "../i18n.js";

const PHASES = {
  reading: gettext("Reading the pictures"),
  validating: gettext("Measuring what it has learned, epoch {epoch} of {epochs}"),
  finishing: gettext("Making and measuring the detector"),
};
const PARTS = {
  grid: gettext("Learning to find faces, batch {step} of {steps}, epoch {epoch} of {epochs}"),
  closeup: gettext("Learning to read expressions, batch {step} of {steps}, epoch {epoch} of {epochs}"),
};
const GIB = 2 ** 30;

/** One line about a run: what it does right now, or how it ended. */
export function sayRun(job) {
  const { report, status } = job;
  if (status === "queued") {
    const ahead = job.queue_place - 1;
    if (ahead > 0) {
      const said = ngettext("Number {place} in line: {ahead} run comes first.", "Number {place} in line: {ahead} runs come first.", ahead);
      return fill(said, { place: job.queue_place, ahead });
    }
    return gettext("Next in line: it starts as soon as the training worker is free.");
  }
  if (status === "running") {
    if (job.is_silent) return gettext("Its worker has not been heard of for a while. If it died, another takes the run up within a minute.");
    if (job.cancel_requested) return gettext("Being cancelled: the best it has learned is made into a detector.");
    return stopped(sayPhase(report, job.epochs));
  }
  if (status === "succeeded" && report.ended_early) {
    const said = gettext("Done: it ended early, after epoch {epoch} of {epochs}, as its figures no longer rose.");
    return fill(said, { epoch: report.ended_early, epochs: job.epochs });
  }
  if (status === "succeeded") return fill(ngettext("Done: {epochs} epoch.", "Done: {epochs} epochs.", job.epochs), { epochs: job.epochs });
  const resumed = job.has_checkpoint ? gettext("Resume goes on from its last checkpoint.") : gettext("It left no checkpoint: Resume begins anew.");
  const ended = status === "failed" ? gettext("Failed at {percent}.") : gettext("Cancelled at {percent}.");
  return sentences(fill(ended, { percent: percent(job.progress) }), resumed);
}

function sayPhase(report, epochs) {
  if (!report.phase) return gettext("Starting");
  if (report.phase !== "training") return fill(PHASES[report.phase], { epoch: report.epoch, epochs });
  const said = report.steps ? PARTS[report.part] : gettext("Learning, epoch {epoch} of {epochs}");
  return fill(said, { step: report.step, steps: report.steps, epoch: report.epoch, epochs });
}

/** "It has about 3 min left.", or "" when nobody knows. */
export function sayLeft(job) {
  const seconds = job.report.seconds_left;
  if (job.status !== "running" || seconds == null || job.report.phase === "finishing") return "";
  if (seconds < 90) return fill(gettext("It has about {count} s left."), { count: Math.max(1, Math.round(seconds)) });
  if (seconds < 5400) return fill(gettext("It has about {count} min left."), { count: Math.round(seconds / 60) });
  return fill(gettext("It has about {count} h left."), { count: decimal(seconds / 3600, 1) });
}

/** "Loss of this batch: box 2.481, objectness 1.780", while it learns. */
export function sayLosses({ status, report }) {
  if (status !== "running" || report.phase !== "training" || !report.losses) return "";
  const terms = Object.entries(report.losses).map(([term, value]) => `${term} ${decimal(value, 3)}`);
  return fill(gettext("Loss of this batch: {terms}."), { terms: listed(terms) });
}

/** "1.2 of 15.6 GiB used at most" */
export function sayMemory({ memory_bytes: used, hardware }) {
  const whole = hardware?.memory_bytes ? `${decimal(hardware.memory_bytes / GIB, 1)} GiB` : "";
  if (!used) return whole || "–";
  if (!whole) return fill(gettext("{used} GiB used at most"), { used: decimal(used / GIB, 1) });
  return fill(gettext("{used} of {whole} used at most"), { used: decimal(used / GIB, 1), whole });
}
