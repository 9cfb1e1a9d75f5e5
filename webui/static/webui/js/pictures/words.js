/** Everything that the pictures page says by itself. */

import { looks, percent } from "../emotions.js";
import { pictureTrouble } from "../messages.js";

/** Of a picture in the list, by its state. */
export const STATES = {
  waiting: "Waiting for its turn",
  sending: "Sending",
  looking: "Looking …",
};

export const WORDS = {
  drop: "Drop pictures here, or choose them",
  blank: "No preview: this browser can't show this file.",
  noFace: { line: "No face found", hint: "Try a picture where a face is bigger or brighter." },
  kept: "Kept.",
  noPictures: "There is no picture among these files.",
  clipboardEmpty: "There is no picture in the clipboard. Copy one first.",
  clipboardRefused: "The browser does not let this page read the clipboard. Press Ctrl+V instead.",
  cameraOpening: "Your browser may ask for the camera. Choose Allow.",
  deleted: "Deleted.",
  historyFailed: "That could not be deleted. Load the page again.",
};

/** Why a picture was not looked at, by the error's code, where it is peculiar to this page. */
const TROUBLES = {
  not_authenticated: {
    title: "You are signed out",
    text: "Sign in again to keep results, or load the page again to go on without.",
  },
  permission_denied: {
    title: "The page was open too long",
    text: "Load it again and send the picture once more.",
  },
};

/** @param {string} code @param {string} detail the server's own words @returns {{title: string, text: string}} */
export function troubleOf(code, detail) {
  if (code === "too_many_kept") return { title: "You keep as many as you may", text: detail };
  if (code === "request_too_large") return pictureTrouble("image_too_large");
  return TROUBLES[code] ?? pictureTrouble(code, detail);
}

/** @param {{label: string, score: number}} face @returns {string} "Looks happy, 93 %" */
export function sayFace(face) {
  return `${looks(face.label)}, ${percent(face.score)}`;
}

/** @param {number} count two or more */
export function sayFaces(count) {
  return `${count} faces; this is the surest.`;
}

/** @param {number} number */
export function faceTitle(number) {
  return `Face ${number}`;
}

/** @param {number} share 0..1 */
export function saySending(share) {
  return `${STATES.sending}, ${percent(share)}`;
}

/** @param {string} name */
export function pictureOf(name) {
  return `The picture ${name}`;
}

/** @param {string} name */
export function removeOf(name) {
  return `Remove ${name}`;
}

/** @param {string} name */
export function retryOf(name) {
  return `Try ${name} again`;
}

/** @param {{done: number, failed: number, total: number}} counts */
export function sayCount({ done, failed, total }) {
  return failed > 0 ? `${done} of ${total} done, ${failed} failed` : `${done} of ${total} done`;
}

/** @param {number} seconds */
export function sayPause(seconds) {
  return `Many pictures in a short time: the site asks to wait. It goes on by itself in ${seconds}\u00a0s.`;
}

/** @param {number} most */
export function sayTooMany(most) {
  return `The list holds at most ${most} pictures. Those beyond were left out; clear the list to add more.`;
}
