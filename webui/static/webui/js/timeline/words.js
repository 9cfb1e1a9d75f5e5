/** Times and expressions of a timeline in words. */

import { UNKNOWN, named, percent } from "../emotions.js";

/** @param {string} label @returns {string} "Happy", or "No face" */
export function title(label) {
  return label === UNKNOWN ? "No face" : named(label);
}

/** @param {number} ms @returns {string} "2:07", "1:00:03" */
export function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  const two = (value) => String(value).padStart(2, "0");
  const minutes = `${Math.floor(seconds / 60) % 60}`;
  return seconds < 3600 ? `${minutes}:${two(seconds % 60)}` : `${Math.floor(seconds / 3600)}:${two(minutes)}:${two(seconds % 60)}`;
}

/** @param {number} ms @returns {string} "12 seconds", "1 minute 5 seconds", "2 hours 3 minutes" */
export function long(ms) {
  const seconds = Math.max(1, Math.floor(ms / 1000));
  const unit = (count, name) => (count === 0 ? [] : [`${count} ${name}${count === 1 ? "" : "s"}`]);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const parts = [...unit(hours, "hour"), ...unit(minutes, "minute"), ...(hours ? [] : unit(seconds % 60, "second"))];
  return parts.join(" ");
}

/** @param {{label: string, share: number}[]} shares @returns {string} "Happy 62 %, sad 30 %, no face 8 %." */
export function sayShares(shares) {
  const words = shares.map(({ label, share }) => `${title(label).toLowerCase()} ${percent(share)}`).join(", ");
  return words === "" ? "Nothing seen yet." : `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

/** @param {import("./samples.js").Sample | null} sample @param {number} at @returns {string} "0:12, happy 93 %" */
export function sayMoment(sample, at) {
  if (sample === null) return `${clock(at)}, nothing was looked at`;
  if (sample.label === UNKNOWN) return `${clock(at)}, no face`;
  return `${clock(at)}, ${sample.label} ${percent(Math.max(...sample.scores))}`;
}
