/** What the session card says. */

import { UNKNOWN, named, percent } from "../emotions.js";
import { clock, long } from "../timeline/words.js";

const number = new Intl.NumberFormat("en");

/** @param {number} duration @param {{label: string, share: number}[]} shares @returns {string} "12 seconds, mostly happy." */
export function sayLength(duration, shares) {
  const [most] = shares;
  if (!most || most.label === UNKNOWN) return `${long(duration)}, mostly without a face in view.`;
  return `${long(duration)}, mostly ${most.label}.`;
}

/** @param {import("./recorder.js").Moment} moment @returns {string} "Happy 93 % at 0:12" */
export function sayMoment({ label, score, t }) {
  return `${named(label)} ${percent(score)} at ${clock(t)}`;
}

/** @param {{sent: number, answered: number}} frames */
export function sayProcessed({ sent, answered }) {
  return `${number.format(sent)} frames were sent and ${number.format(answered)} of them looked at.`;
}

export const KEPT = {
  nothing: "Nothing. If you press Keep: the numbers on this card, and never a picture.",
  numbers: "The numbers on this card, in your account, until you delete them. No picture.",
};

export const KEEP = {
  keeping: "Keeping …",
  done: "Kept.",
  renamed: "The name is saved.",
  unnamed: "The name could not be saved.",
  signIn: "Keeping takes an account. Sign in, come back to this tab, and press Keep again.",
  noAnswer: "The server does not answer. Try again, or export what you want to have.",
};

export const NO_PICTURE = "The picture could not be drawn.";
