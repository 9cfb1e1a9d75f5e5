/** From nine scores to one pose. */
import { NAMES } from "./params.js";
import { EMOTIONS, POSES, UNKNOWN } from "./poses.js";

const SHARPNESS = 2; // 0.7 against 0.3 becomes 0.84 against 0.16

/**
 * Weights of the ten poses.
 * @param {ArrayLike<number>|null} scores nine numbers >= 0 in the order of EMOTIONS; they need not sum to 1
 *   (objectness x probability is fine). null, or nothing above 0, is "unknown".
 * @returns {Object<string, number>} ten weights that sum to 1
 * @throws {RangeError} when there are not nine scores
 */
export function weigh(scores) {
  const weights = Object.fromEntries([...EMOTIONS, UNKNOWN].map((name) => [name, 0]));
  if (scores !== null && scores.length !== EMOTIONS.length) {
    throw new RangeError(`expected ${EMOTIONS.length} scores or null, got ${scores.length}`);
  }
  const top = scores === null ? 0 : Math.max(...Array.from(scores, (score) => (score > 0 ? score : 0)));
  if (!(top > 0 && Number.isFinite(top))) return { ...weights, [UNKNOWN]: 1 };
  const sharp = Array.from(scores, (score) => (score > 0 ? (score / top) ** SHARPNESS : 0));
  const sum = sharp.reduce((a, b) => a + b, 0);
  EMOTIONS.forEach((name, i) => {
    weights[name] = sharp[i] / sum;
  });
  return weights;
}

/** @param {Object<string, number>} weights @returns {string} the name with the largest weight */
export function leading(weights) {
  return Object.keys(weights).reduce((best, name) => (weights[name] > weights[best] ? name : best));
}

/** @param {Object<string, number>} one @param {Object<string, number>} other @returns {number} the largest, 0..1 */
export function difference(one, other) {
  return Math.max(...Object.keys(one).map((name) => Math.abs(one[name] - other[name])));
}

/**
 * The weighted mean of the poses.
 * @param {Object<string, number>} weights as from `weigh`
 * @returns {import("./params.js").Pose}
 */
export function blendPoses(weights) {
  const used = Object.entries(weights).filter(([, weight]) => weight > 0.001);
  const sum = used.reduce((total, [, weight]) => total + weight, 0);
  return Object.fromEntries(
    NAMES.map((key) => [
      key,
      used.reduce((total, [name, weight]) => total + POSES[name][key] * weight, 0) / sum,
    ]),
  );
}
