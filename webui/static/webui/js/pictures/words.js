/** Everything that the pictures page says by itself. */

import { percent } from "../emotions.js";
import { fill, gettext } from "../i18n.js";
import { pictureTrouble } from "../messages.js";

/** Of a picture in the list, by its state. */
export const STATES = {
  waiting: gettext("Waiting for its turn"),
  sending: gettext("Sending"),
  looking: gettext("Looking …"),
};

export const WORDS = {
  drop: gettext("Drop pictures here, or choose them"),
  blank: gettext("No preview: this browser can't show this file."),
  noFace: { line: gettext("No face found"), hint: gettext("Try a picture where a face is bigger or brighter.") },
  kept: gettext("Kept."),
  noPictures: gettext("There is no picture among these files."),
  clipboardEmpty: gettext("There is no picture in the clipboard. Copy one first."),
  clipboardRefused: gettext("The browser does not let this page read the clipboard. Press Ctrl+V instead."),
  cameraOpening: gettext("Your browser may ask for the camera. Choose Allow."),
  deleted: gettext("Deleted."),
  historyFailed: gettext("That could not be deleted. Load the page again."),
};

/** Why a picture was not looked at, by the error's code, where it is peculiar to this page. */
const TROUBLES = {
  not_authenticated: {
    title: gettext("You are signed out"),
    text: gettext("Sign in again to keep results, or load the page again to go on without."),
  },
  permission_denied: {
    title: gettext("The page was open too long"),
    text: gettext("Load it again and send the picture once more."),
  },
};

/** @param {string} code @param {string} detail the server's own words @returns {{title: string, text: string}} */
export function troubleOf(code, detail) {
  if (code === "too_many_kept") return { title: gettext("You keep as many as you may"), text: detail };
  if (code === "request_too_large") return pictureTrouble("image_too_large");
  return TROUBLES[code] ?? pictureTrouble(code, detail);
}

/** @param {number} count two or more */
export function sayFaces(count) {
  return fill(gettext("{count} faces; this is the surest."), { count });
}

/** @param {number} number */
export function faceTitle(number) {
  return fill(gettext("Face {number}"), { number });
}

/** @param {number} share 0..1 */
export function saySending(share) {
  return fill(gettext("Sending, {percent}"), { percent: percent(share) });
}

/** @param {string} name */
export function pictureOf(name) {
  return fill(gettext("The picture {name}"), { name });
}

/** @param {string} name */
export function removeOf(name) {
  return fill(gettext("Remove {name}"), { name });
}

/** @param {string} name */
export function retryOf(name) {
  return fill(gettext("Try again: {name}"), { name });
}

/** @param {{done: number, failed: number, total: number}} counts */
export function sayCount({ done, failed, total }) {
  if (failed > 0) return fill(gettext("{done} of {total} done, {failed} failed"), { done, total, failed });
  return fill(gettext("{done} of {total} done"), { done, total });
}

/** @param {number} seconds */
export function sayPause(seconds) {
  return fill(gettext("Many pictures in a short time: the site asks to wait. It goes on by itself in {seconds}\u00a0s."), { seconds });
}

/** @param {number} most */
export function sayTooMany(most) {
  return fill(gettext("The list holds at most {most} pictures. Those beyond were left out; clear the list to add more."), { most });
}
