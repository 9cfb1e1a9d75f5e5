/** What the session card says. */

import { UNKNOWN, named, percent, word } from "../emotions.js";
import { decimal, fill, gettext } from "../i18n.js";
import { clock, long } from "../timeline/words.js";

/** @param {number} duration @param {{label: string, share: number}[]} shares @returns {string} "12 seconds, mostly happy." */
export function sayLength(duration, shares) {
  const [most] = shares;
  if (!most || most.label === UNKNOWN) return fill(gettext("{length}, mostly without a face in view."), { length: long(duration) });
  return fill(gettext("{length}, mostly {expression}."), { length: long(duration), expression: word(most.label) });
}

/** @param {import("./recorder.js").Moment} moment @returns {string} "Happy 93 % at 0:12" */
export function sayMoment({ label, score, t }) {
  return fill(gettext("{expression} {percent} at {time}"), { expression: named(label), percent: percent(score), time: clock(t) });
}

/** @param {{sent: number, answered: number}} frames */
export function sayProcessed({ sent, answered }) {
  const words = gettext("{sent} frames were sent and {answered} of them looked at.");
  return fill(words, { sent: decimal(sent), answered: decimal(answered) });
}

export const KEPT = {
  nothing: gettext("Nothing. If you press Keep: the numbers on this card, and never a picture."),
  numbers: gettext("The numbers on this card, in your account, until you delete them. No picture."),
};

export const KEEP = {
  keeping: gettext("Keeping …"),
  done: gettext("Kept."),
  renamed: gettext("The name is saved."),
  unnamed: gettext("The name could not be saved."),
  signIn: gettext("Keeping takes an account. Sign in, come back to this tab, and press Keep again."),
  noAnswer: gettext("The server does not answer. Try again, or export what you want to have."),
};

export const CARD = {
  title: gettext("A session with Biscuit"),
  noPhotographs: gettext("No photographs."),
};

export const NO_PICTURE = gettext("The picture could not be drawn.");
