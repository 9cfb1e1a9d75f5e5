/** What is said about corrections, in plain words. */

import { named, percent } from "./emotions.js";

/** @param {string} label of a correction @returns {string} "Not a face" */
export function labelNamed(label) {
  return named(label).replaceAll("_", " ");
}

/** @param {import("./emotions.js").Face} face @returns {string} */
export function shownAs(face) {
  return `It was shown as ${face.label}, ${percent(face.score)}.`;
}

export const SAID = {
  unsent: "Thanks. Without your consent nothing was sent. You can still agree to what stands above.",
  sending: "Sending …",
  sent: "Sent, thank you. It is among your corrections, where you can withdraw it.",
  kept: "Sent, thank you. This code withdraws it. This browser keeps it for you:",
  notKept: "Sent, thank you. This code withdraws it. This browser can’t keep it, so write it down:",
};

const TROUBLES = {
  no_answer: "No answer came, so it is not known whether this was kept. Try again in a moment.",
  no_picture: "This browser could not make a small picture of the face, so nothing was sent.",
  throttled: "These were many corrections in a short time. This one was not kept; try again later.",
  corrections_full: "There is no room for more corrections at the moment. Nothing was kept.",
  consent_changed: "What is asked has changed meanwhile. Load the page again and read it; nothing was kept.",
  permission_denied: "You are signed out, or signed in anew. Load the page again; nothing was kept.",
};

/** @param {string} code of the API's error @param {string} [message] the server's own words */
export function correctionTrouble(code, message) {
  return TROUBLES[code] ?? message ?? "That did not work. Nothing was kept; try again in a moment.";
}

/** States of a correction on the page of those that this browser has codes of. */
export const KEPT = {
  /** @param {{shown: string, label: string}} correction */
  about: ({ shown, label }) => `Shown: ${shown}. You said: ${labelNamed(label).toLowerCase()}.`,
  /** @param {string} at */
  sent: (at) => `Sent ${new Date(at).toLocaleString()}`,
  asking: "…",
  unknown: "no answer",
  gone: "gone",
  withdraw: "Withdraw",
  forget: "Forget the code",
  /** @param {number} id */
  title: (id) => `Correction ${id}`,
  failed: "The server does not answer. Try again in a moment.",
};
