/** A timeline in few numbers: what was seen in equal steps of time, and what can be said of it. Pure. Times are milliseconds. */

import { EMOTIONS, UNKNOWN } from "../emotions.js";

/**
 * @typedef {Object} Sample
 * @property {number} t since the beginning, a multiple of the step
 * @property {string} label the expression seen most often in the step; unknown: no face
 * @property {number[]} scores nine, 0..1, the mean of the frames with a face; all 0 without one
 * @property {number} frames how many frames it stands for
 */

/** @typedef {{label: string, from: number, to: number}} Run a stretch of one expression */

export const STEP = 250;
export const MOST = 1200;
/** What was seen holds so long when the next answer is late; after that nobody knows. The server does the same. */
const HOLDS = 2000;
const NO_SCORES = EMOTIONS.map(() => 0);

/** Takes in frames as they are answered; what is kept does not grow beyond `most` samples. */
export class Samples {
  /**
   * @param {Object} [options]
   * @param {number} [options.step] @param {number} [options.most]
   * @param {"newest" | "all"} [options.keep] when there are too many: forget the oldest, or keep all in steps twice as long
   */
  constructor({ step = STEP, most = MOST, keep = "all" } = {}) {
    this.step = step;
    this.most = most;
    this.keep = keep;
    /** @type {Sample[]} */
    this.done = [];
    /** @type {{t: number, counts: Map<string, number>, sums: number[], faces: number, frames: number} | null} */
    this.current = null;
  }

  /** @param {number} at not before the frame added last @param {{label: string, scores: Object<string, number>} | null} face */
  add(at, face) {
    const t = Math.floor(at / this.step) * this.step;
    if (this.current !== null && this.current.t !== t) this.#close();
    this.current ??= { t, counts: new Map(), sums: [...NO_SCORES], faces: 0, frames: 0 };
    const { counts, sums } = this.current;
    const label = face?.label ?? UNKNOWN;
    counts.set(label, (counts.get(label) ?? 0) + 1);
    this.current.frames += 1;
    if (face === null) return;
    this.current.faces += 1;
    EMOTIONS.forEach((emotion, index) => {
      sums[index] += face.scores[emotion];
    });
  }

  /** @returns {Sample[]} in order of time, with the one that is still growing */
  get rows() {
    return this.current === null ? this.done : [...this.done, finished(this.current)];
  }

  #close() {
    this.done.push(finished(this.current));
    this.current = null;
    if (this.done.length < this.most) return;
    if (this.keep === "newest") {
      this.done.shift();
    } else {
      this.step *= 2;
      this.done = merged(this.done, this.step);
    }
  }
}

function finished({ t, counts, sums, faces, frames }) {
  const label = [...counts.entries()].reduce((most, entry) => (entry[1] > most[1] ? entry : most))[0];
  return { t, label, scores: label === UNKNOWN ? NO_SCORES : sums.map((sum) => sum / faces), frames };
}

/** @param {Sample[]} rows @param {number} step longer than theirs @returns {Sample[]} the same in longer steps */
function merged(rows, step) {
  const found = [];
  for (const row of rows) {
    const t = Math.floor(row.t / step) * step;
    const last = found.at(-1);
    if (last?.t === t) found[found.length - 1] = joined(last, row);
    else found.push({ ...row, t });
  }
  return found;
}

function joined(one, other) {
  const frames = one.frames + other.frames;
  if (one.label === UNKNOWN || other.label === UNKNOWN) {
    const { label, scores } = other.frames > one.frames ? other : one;
    return { t: one.t, label, scores, frames };
  }
  const scores = one.scores.map((score, index) => (score * one.frames + other.scores[index] * other.frames) / frames);
  return { t: one.t, label: other.frames > one.frames ? other.label : one.label, scores, frames };
}

/**
 * At most so many samples, for drawing.
 * @param {Sample[]} rows @param {number} step @param {number} most @returns {{rows: Sample[], step: number}}
 */
export function thinned(rows, step, most) {
  let found = { rows, step };
  while (found.rows.length > most) found = { rows: merged(found.rows, found.step * 2), step: found.step * 2 };
  return found;
}

/** @param {Sample[]} rows @param {number} from @returns {Sample[]} those that begin at `from` or later */
export function since(rows, from) {
  const first = rows.findIndex(({ t }) => t >= from);
  return first < 0 ? [] : rows.slice(first);
}

/**
 * @param {Sample[]} rows @param {number} step @param {number} index
 * @returns {number} until when the sample of that index holds: the next one, or its own end where that is long after
 */
export function endOf(rows, step, index) {
  const { t } = rows[index];
  const longest = Math.max(step, HOLDS);
  const next = rows[index + 1]?.t ?? t + longest;
  return next - t <= longest ? next : t + step;
}

/** @param {Sample[]} rows @param {number} step @returns {Run[]} stretches of one expression; where nothing was sampled is none */
export function runs(rows, step) {
  const found = [];
  rows.forEach(({ t, label }, index) => {
    const last = found.at(-1);
    const to = endOf(rows, step, index);
    if (last?.label === label && last.to === t) last.to = to;
    else found.push({ label, from: t, to });
  });
  return found;
}

/** @param {Sample[]} rows @returns {{label: string, share: number}[]} of those seen, the largest first; the shares sum to 1 */
export function shares(rows) {
  const counts = new Map();
  for (const { label } of rows) counts.set(label, (counts.get(label) ?? 0) + 1);
  const found = [...counts].map(([label, count]) => ({ label, share: count / rows.length }));
  return found.sort((a, b) => b.share - a.share || (a.label < b.label ? -1 : 1));
}

/** @param {Sample[]} rows @param {number} step @param {number} at @returns {Sample | null} what was seen then */
export function sampleAt(rows, step, at) {
  const index = rows.findLastIndex(({ t }) => t <= at);
  return index >= 0 && at < endOf(rows, step, index) ? rows[index] : null;
}

/** @param {Sample[]} rows @returns {number[][]} as the API takes and gives them: [t, number of the expression or -1, nine scores] */
export function packed(rows) {
  return rows.map(({ t, label, scores }) => [t, EMOTIONS.indexOf(label), ...scores.map((score) => Number(score.toFixed(3)))]);
}

/** @param {number[][]} rows of the API @returns {Sample[]} */
export function unpacked(rows) {
  return rows.map(([t, label, ...scores]) => ({ t, label: EMOTIONS[label] ?? UNKNOWN, scores, frames: 1 }));
}
