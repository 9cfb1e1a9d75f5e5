/** The nine expressions in the order of the protocol, and how a face that shows one is described. */

import { fill, gettext, language } from "./i18n.js";

/** @typedef {{id?: number, label: string, score: number, x1: number, y1: number, x2: number, y2: number,
 *            scores: Object<string, number>}} Face  coordinates are fractions of the picture, 0..1 */

export const EMOTIONS = Object.freeze([
  "angry", "contempt", "disgust", "fear", "happy", "natural", "sad", "sleepy", "surprised",
]);

export const UNKNOWN = "unknown";

const NAMES = {
  angry: gettext("angry"),
  contempt: gettext("contempt"),
  disgust: gettext("disgust"),
  fear: gettext("fear"),
  happy: gettext("happy"),
  natural: gettext("natural"),
  sad: gettext("sad"),
  sleepy: gettext("sleepy"),
  surprised: gettext("surprised"),
  unknown: gettext("no face"),
  not_a_face: gettext("not a face"),
};

const LOOKS = {
  angry: gettext("Looks angry"),
  contempt: gettext("Looks contemptuous"),
  disgust: gettext("Looks disgusted"),
  fear: gettext("Looks afraid"),
  happy: gettext("Looks happy"),
  natural: gettext("Looks natural"),
  sad: gettext("Looks sad"),
  sleepy: gettext("Looks sleepy"),
  surprised: gettext("Looks surprised"),
};

/** @param {number} score 0..1 @returns {string} "93 %" with a space that does not break, or "93%" */
export function percent(score) {
  return fill(gettext("{number}\u00a0%"), { number: Math.round(score * 100) });
}

/** @param {string} name of an expression @param {number} score 0..1 @returns {string} "Happy 93 %" */
export function scored(name, score) {
  return fill(gettext("{expression} {percent}"), { expression: name, percent: percent(score) });
}

/** @param {string} label an expression, `unknown` or `not_a_face` @returns {string} "happy", "no face", "not a face" */
export function word(label) {
  return NAMES[label] ?? label;
}

/** @param {string} label @returns {string} "Happy" */
export function named(label) {
  return capital(word(label));
}

/** @param {string} words @returns {string} the same with a capital */
export function capital(words) {
  return words.charAt(0).toLocaleUpperCase(language) + words.slice(1);
}

/** @param {string} label @returns {string} "Looks afraid" */
export function looks(label) {
  return LOOKS[label] ?? fill(gettext("Looks {label}"), { label });
}

/** @param {Face} face @returns {string} "Looks happy, 93 %" */
export function looksLike(face) {
  return fill(gettext("{looks}, {percent}"), { looks: looks(face.label), percent: percent(face.score) });
}

/**
 * The face that the hamster follows in a still picture: the biggest, by its area and the detector's certainty,
 * as the server chooses on live frames.
 * @param {Face[]} faces
 * @returns {Face | null}
 */
export function mainFace(faces) {
  const weight = (face) => (face.x2 - face.x1) * (face.y2 - face.y1) * face.score;
  return faces.reduce((best, face) => (best === null || weight(face) > weight(best) ? face : best), null);
}
