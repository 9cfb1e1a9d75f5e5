/** What is said about corrections, in plain words. */

import { percent, word } from "./emotions.js";
import { fill, gettext, language, ngettext } from "./i18n.js";

/** @param {import("./emotions.js").Face} face @returns {string} */
export function shownAs(face) {
  return fill(gettext("It was shown as {label}, {percent}."), { label: word(face.label), percent: percent(face.score) });
}

export const SAID = {
  unsent: gettext("Thanks. Without your consent nothing was sent. You can still agree to what stands above."),
  agreed: gettext("You have agreed, so what you choose is sent at once. Switch it off above if this one is not to be sent."),
  sending: gettext("Sending …"),
  sent: gettext("Sent, thank you. It is among your corrections, where you can withdraw it."),
  kept: gettext("Sent, thank you. This code withdraws it. This browser keeps it for you:"),
  notKept: gettext("Sent, thank you. This code withdraws it. This browser can’t keep it, so write it down:"),
};

const TROUBLES = {
  no_answer: gettext("No answer came, so it is not known whether this was kept. Send it again: it is never kept twice."),
  no_picture: gettext("This browser could not make a small picture of the face, so nothing was sent."),
  throttled: gettext("These were many corrections in a short time. This one was not kept; try again later."),
  corrections_full: gettext("There is no room for more corrections at the moment. Nothing was kept."),
  consent_changed: gettext("What is asked has changed meanwhile. Load the page again and read it; nothing was kept."),
  permission_denied: gettext("You are signed out, or signed in anew. Load the page again; nothing was kept."),
};

/** @param {string} code of the API's error @param {string} [message] the server's own words */
export function correctionTrouble(code, message) {
  return TROUBLES[code] ?? message ?? gettext("That did not work. Nothing was kept; try again in a moment.");
}

/** States of a correction on the page of those that this browser has codes of. */
export const KEPT = {
  /** @param {{shown: string, label: string}} correction */
  about: ({ shown, label }) => fill(gettext("Shown: {shown}. You said: {label}."), { shown: word(shown), label: word(label) }),
  /** @param {string} at */
  sent: (at) => fill(gettext("Sent {when}"), { when: new Date(at).toLocaleString(language) }),
  asking: "…",
  unknown: gettext("no answer"),
  gone: gettext("gone"),
  /** @type {Object<string, string>} */
  states: {
    waiting: gettext("waiting"),
    accepted: gettext("accepted"),
    relabelled: gettext("relabelled"),
    rejected: gettext("rejected"),
    withdrawn: gettext("withdrawn"),
  },
  withdraw: gettext("Withdraw"),
  forget: gettext("Forget the code"),
  /** @param {number} id */
  title: (id) => fill(gettext("Correction {id}"), { id }),
  failed: gettext("The server does not answer. Try again in a moment."),
};

/** Before everything, or the account, is deleted. */
export const DELETION = {
  /** @param {number} count */
  withdraw: (count) => fill(
    ngettext("Also withdraw the correction that this browser sent without an account",
      "Also withdraw the {count} corrections that this browser sent without an account", count),
    { count },
  ),
};
