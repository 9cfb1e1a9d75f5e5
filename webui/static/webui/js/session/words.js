/** What the session card says. */

import { UNKNOWN, named, percent, word } from "../emotions.js";
import { decimal, fill, gettext, ngettext, sentences } from "../i18n.js";
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

/** @param {boolean} isKept the session itself @param {number} corrections how many were sent in it @returns {string} */
export function sayKept(isKept, corrections) {
  if (corrections === 0) return isKept ? KEPT.numbers : KEPT.nothing;
  const pictures = fill(
    ngettext(
      "The small picture of {count} face that you corrected, until you withdraw it.",
      "The small pictures of {count} faces that you corrected, until you withdraw them.",
      corrections,
    ),
    { count: corrections },
  );
  return sentences(pictures, isKept ? KEPT.numbersToo : KEPT.nothingElse);
}

const KEPT = {
  nothing: gettext("Nothing. If you press Keep: the numbers on this card, and never a picture."),
  numbers: gettext("The numbers on this card, in your account, until you delete them. No picture."),
  nothingElse: gettext("If you press Keep: the numbers on this card as well."),
  numbersToo: gettext("The numbers on this card, in your account, until you delete them."),
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
