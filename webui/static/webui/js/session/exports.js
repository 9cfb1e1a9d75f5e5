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
