/** How fast it is and why, in plain words. */

import { decimal, fill, gettext } from "../i18n.js";

/** What each part of a frame's time is called, and what it is. @type {Object<string, {name: string, what: string}>} */
export const PART_WORDS = {
  capture: { name: gettext("Capture"), what: gettext("taking the camera’s picture and packing it") },
  upload: { name: gettext("Upload"), what: gettext("the way to the server and back") },
  queue: { name: gettext("Queue"), what: gettext("waiting for its turn at the server") },
  decode: { name: gettext("Decode"), what: gettext("unpacking it there") },
  inference: { name: gettext("Inference"), what: gettext("the detector looking at it") },
  draw: { name: gettext("Drawing"), what: gettext("from the answer to your screen") },
};

const REASONS = {
  full: (rate) => fill(gettext("{rate} a second: as many as are of use, and nothing slows them down."), { rate }),
  camera: (rate) => fill(gettext("{rate} a second: your camera gives no more pictures."), { rate }),
  asked: (rate) => fill(gettext("{rate} a second: the server asked for fewer."), { rate }),
  device: (rate, takes) => fill(gettext("{rate} a second: this device takes {takes} ms to pack a frame."), { rate, takes }),
  link: (rate, takes) => fill(gettext("{rate} a second: your link takes {takes} ms a frame."), { rate, takes }),
  server: (rate, takes) => fill(gettext("{rate} a second: the server takes {takes} ms a frame."), { rate, takes }),
  answers: (rate, takes) => fill(gettext("{rate} a second: answers take {takes} ms or do not come."), { rate, takes }),
};

const few = (rate) => (rate >= 9.95 ? decimal(rate) : decimal(rate, Number.isInteger(Number(rate.toFixed(1))) ? 0 : 1));

/** @param {import("../pacer.js").Pace} pace @returns {string} "10 a second: your link takes 180 ms a frame." */
export function sayPace({ rate, reason, takes }) {
  return REASONS[reason](few(rate), Math.round(takes));
}

/** Of all parts together. */
export const TOTAL_WORDS = { name: gettext("All of it"), what: gettext("from the camera to your screen") };

export const PACE_HIDDEN = gettext("Nothing is sent while this tab is hidden.");
export const PACE_AWAY = gettext("Nothing is sent until the connection is there.");
export const PACE_OFF = gettext("Nothing is sent: the camera is off.");
export const PACE_WAITING = gettext("Waiting for the first answer.");

/** @param {number} value milliseconds @returns {string} "4.2" or "112" */
export function milliseconds(value) {
  return value < 9.95 ? decimal(value, 1) : String(Math.round(value));
}
