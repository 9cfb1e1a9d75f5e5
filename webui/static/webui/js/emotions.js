/** The nine expressions in the order of the protocol, and how a face that shows one is described. */

/** @typedef {{id?: number, label: string, score: number, x1: number, y1: number, x2: number, y2: number,
 *            scores: Object<string, number>}} Face  coordinates are fractions of the picture, 0..1 */

export const EMOTIONS = Object.freeze([
  "angry", "contempt", "disgust", "fear", "happy", "natural", "sad", "sleepy", "surprised",
]);

export const UNKNOWN = "unknown";

const LOOKS = {
  angry: "angry",
  contempt: "contemptuous",
  disgust: "disgusted",
  fear: "afraid",
  happy: "happy",
  natural: "natural",
  sad: "sad",
  sleepy: "sleepy",
  surprised: "surprised",
};

/** @param {number} score 0..1 @returns {string} "93 %" with a space that does not break */
export function percent(score) {
  return `${Math.round(score * 100)}\u00a0%`;
}

/** @param {string} label @returns {string} "Happy" */
export function named(label) {
  return label.charAt(0).toUpperCase() + label.slice(1);
}

/** @param {string} label @returns {string} "Looks afraid" */
export function looks(label) {
  return `Looks ${LOOKS[label] ?? label}`;
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
