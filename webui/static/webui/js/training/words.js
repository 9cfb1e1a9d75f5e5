/** How a training run is put into words. */

const PHASES = {
  reading: "Reading the pictures",
  training: "Learning",
  validating: "Measuring what it has learned",
  finishing: "Making and measuring the detector",
};
const PARTS = { grid: "to find faces", closeup: "to read expressions" };
const GIB = 2 ** 30;

/** One line about a run: what it does right now, or how it ended. */
export function sayRun(job) {
  const { report, status } = job;
  if (status === "queued") {
    const ahead = job.queue_place - 1;
    if (ahead > 0) return `Number ${job.queue_place} in line: ${ahead} ${ahead === 1 ? "run comes" : "runs come"} first.`;
    return "Next in line: it starts as soon as the training worker is free.";
  }
  if (status === "running") {
    if (job.is_silent) return "Its worker has not been heard of for a while. If it died, another takes the run up within a minute.";
    if (job.cancel_requested) return "Being cancelled: the best it has learned is made into a detector.";
    return `${sayPhase(report, job.epochs)}.`;
  }
  if (status === "succeeded" && report.ended_early) return `Done: it ended early, after epoch ${report.ended_early} of ${job.epochs}, as its figures no longer rose.`;
  if (status === "succeeded") return `Done: ${job.epochs} ${job.epochs === 1 ? "epoch" : "epochs"}.`;
  const resumed = job.has_checkpoint ? "Resume goes on from its last checkpoint." : "It left no checkpoint: Resume begins anew.";
  return `${status === "failed" ? "Failed" : "Cancelled"} at ${Math.round(job.progress * 100)} %. ${resumed}`;
}

function sayPhase(report, epochs) {
  if (!report.phase) return "Starting";
  const said = PHASES[report.phase];
  if (report.phase === "training") {
    const batch = report.steps ? ` ${PARTS[report.part]}, batch ${report.step} of ${report.steps}` : "";
    return `${said}${batch}, epoch ${report.epoch} of ${epochs}`;
  }
  return report.phase === "validating" ? `${said}, epoch ${report.epoch} of ${epochs}` : said;
}

/** "It has about 3 min left.", or "" when nobody knows. */
export function sayLeft(job) {
  const seconds = job.report.seconds_left;
  if (job.status !== "running" || seconds == null || job.report.phase === "finishing") return "";
  if (seconds < 90) return `It has about ${Math.max(1, Math.round(seconds))} s left.`;
  if (seconds < 5400) return `It has about ${Math.round(seconds / 60)} min left.`;
  return `It has about ${(seconds / 3600).toFixed(1)} h left.`;
}

/** "Loss of this batch: box 2.481, objectness 1.780", while it learns. */
export function sayLosses({ status, report }) {
  if (status !== "running" || report.phase !== "training" || !report.losses) return "";
  const terms = Object.entries(report.losses).map(([term, value]) => `${term} ${value.toFixed(3)}`);
  return `Loss of this batch: ${terms.join(", ")}.`;
}

/** "1.2 of 15.6 GiB used at most" */
export function sayMemory({ memory_bytes: used, hardware }) {
  const whole = hardware?.memory_bytes ? `${(hardware.memory_bytes / GIB).toFixed(1)} GiB` : "";
  if (!used) return whole || "–";
  return `${(used / GIB).toFixed(1)}${whole ? ` of ${whole}` : " GiB"} used at most`;
}
