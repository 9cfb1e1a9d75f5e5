/** Times and expressions of a timeline in words. */

import { UNKNOWN, capital, named, scored, word } from "../emotions.js";
import { fill, gettext, listed, ngettext, stopped } from "../i18n.js";

/** @param {string} label @returns {string} "Happy", or "No face" */
export function title(label) {
  return named(label);
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
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = hours ? 0 : seconds % 60;
  const parts = [
    hours && fill(ngettext("{count} hour", "{count} hours", hours), { count: hours }),
    minutes && fill(ngettext("{count} minute", "{count} minutes", minutes), { count: minutes }),
    rest && fill(ngettext("{count} second", "{count} seconds", rest), { count: rest }),
  ];
  return parts.filter(Boolean).join(" ");
}

/** @param {{label: string, share: number}[]} shares @returns {string} "Happy 62 %, sad 30 %, no face 8 %." */
export function sayShares(shares) {
  const words = listed(shares.map(({ label, share }) => scored(word(label), share)));
  return words === "" ? gettext("Nothing seen yet.") : stopped(capital(words));
}

/** @param {import("./samples.js").Sample | null} sample @param {number} at @returns {string} "0:12, happy 93 %" */
export function sayMoment(sample, at) {
  if (sample === null) return fill(gettext("{time}, nothing was looked at"), { time: clock(at) });
  if (sample.label === UNKNOWN) return fill(gettext("{time}, no face"), { time: clock(at) });
  return listed([clock(at), scored(word(sample.label), Math.max(...sample.scores))]);
}
