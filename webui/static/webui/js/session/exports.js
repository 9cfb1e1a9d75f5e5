/** A session as a file, made in the browser. */

import { EMOTIONS, UNKNOWN } from "../emotions.js";
import { unpacked } from "../timeline/samples.js";
import { summary } from "./recorder.js";

/** @typedef {import("./recorder.js").SessionRecord} SessionRecord */

/** @param {SessionRecord} session @returns {string} a line a sample, as the server's own download has it */
export function toCsv({ samples }) {
  const lines = samples.rows.map(([t, label, ...scores]) =>
    [(t / 1000).toFixed(3), EMOTIONS[label] ?? UNKNOWN, ...scores.map((score) => score.toFixed(4))].join(","),
  );
  return [`seconds,expression,${EMOTIONS.join(",")}`, ...lines, ""].join("\r\n");
}

/** @param {SessionRecord} session @returns {string} all of it, with the shares of the expressions */
export function toJson(session) {
  return JSON.stringify({ ...session, summary: summary(unpacked(session.samples.rows)) }, null, 1);
}

/** @param {SessionRecord} session @param {string} ending "csv" @returns {string} "hamster-2026-05-01-1000.csv" */
export function fileName({ started_at: startedAt }, ending) {
  return `hamster-${startedAt.slice(0, 10)}-${startedAt.slice(11, 16).replace(":", "")}.${ending}`;
}

/** Hand a file to the visitor. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // Some browsers read it only after the click was handled.
}
