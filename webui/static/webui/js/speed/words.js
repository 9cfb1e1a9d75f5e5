/** How fast it is and why, in plain words. */

/** What each part of a frame's time is called, and what it is. @type {Object<string, {name: string, what: string}>} */
export const PART_WORDS = {
  capture: { name: "Capture", what: "taking the camera’s picture and packing it" },
  upload: { name: "Upload", what: "the way to the server and back" },
  queue: { name: "Queue", what: "waiting for its turn at the server" },
  decode: { name: "Decode", what: "unpacking it there" },
  inference: { name: "Inference", what: "the detector looking at it" },
  draw: { name: "Drawing", what: "from the answer to your screen" },
};

const REASONS = {
  full: (rate) => `${rate} a second: as many as are of use, and nothing slows them down.`,
  camera: (rate) => `${rate} a second: your camera gives no more pictures.`,
  asked: (rate) => `${rate} a second: the server asked for fewer.`,
  device: (rate, takes) => `${rate} a second: this device takes ${takes} ms to pack a frame.`,
  link: (rate, takes) => `${rate} a second: your link takes ${takes} ms a frame.`,
  server: (rate, takes) => `${rate} a second: the server takes ${takes} ms a frame.`,
  answers: (rate, takes) => `${rate} a second: answers take ${takes} ms or do not come.`,
};

const few = (rate) => (rate >= 9.95 ? String(Math.round(rate)) : String(Number(rate.toFixed(1))));

/** @param {import("../pacer.js").Pace} pace @returns {string} "10 a second: your link takes 180 ms a frame." */
export function sayPace({ rate, reason, takes }) {
  return REASONS[reason](few(rate), Math.round(takes));
}

export const PACE_HIDDEN = "Nothing is sent while this tab is hidden.";
export const PACE_AWAY = "Nothing is sent until the connection is there.";
export const PACE_OFF = "Nothing is sent: the camera is off.";
export const PACE_WAITING = "Waiting for the first answer.";

/** @param {number} value milliseconds @returns {string} "4.2" or "112" */
export function milliseconds(value) {
  return value < 9.95 ? value.toFixed(1) : String(Math.round(value));
}
