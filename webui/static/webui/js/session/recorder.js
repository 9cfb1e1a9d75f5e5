/** What a live session has shown, in few numbers: kept in this page until the session card is closed. Pure but for the clock given to it. */

import { EMOTIONS } from "../emotions.js";
import { Samples, packed, shares } from "../timeline/samples.js";

const MOMENTS = 4;
const SURE = 0.3;
const DETECTORS = 5;

/**
 * @typedef {Object} Moment a frame that showed an expression most surely
 * @property {number} t milliseconds since the beginning
 * @property {string} label @property {number} score 0..1 @property {Object<string, number>} scores nine
 */

/**
 * @typedef {Object} SessionRecord as `POST /api/live-sessions/` takes it
 * @property {string} name @property {string} started_at @property {number} duration_ms
 * @property {{sent: number, answered: number}} frames @property {string[]} detectors @property {Moment[]} moments
 * @property {{step_ms: number, rows: number[][]}} samples
 */

export class Recorder {
  constructor() {
    this.begin();
  }

  begin() {
    this.samples = new Samples();
    /** @type {Map<string, Moment>} the surest frame of each expression */
    this.surest = new Map();
    /** @type {string[]} */
    this.detectors = [];
    this.answered = 0;
    /** @type {number | null} */
    this.begunAt = null;
  }

  /** @param {string | null} version that looks from now on */
  detector(version) {
    if (!version || this.detectors.includes(version)) return;
    this.detectors = [...this.detectors, version].slice(-DETECTORS);
  }

  /** @param {number} now @param {import("../emotions.js").Face | null} face the main one of an answered frame */
  add(now, face) {
    this.begunAt ??= now;
    const t = Math.round(now - this.begunAt);
    this.answered += 1;
    this.samples.add(t, face);
    if (face === null || face.score < SURE || face.score <= (this.surest.get(face.label)?.score ?? 0)) return;
    const scores = Object.fromEntries(EMOTIONS.map((emotion) => [emotion, face.scores[emotion]]));
    this.surest.set(face.label, { t, label: face.label, score: face.score, scores });
  }

  /**
   * @param {number} now of the clock that `add` was given @param {number} wallClock the same moment as Date.now() gives it
   * @param {number} sent how many frames went out
   * @returns {SessionRecord | null} null when no frame was answered
   */
  end(now, wallClock, sent) {
    if (this.begunAt === null) return null;
    const duration = Math.max(1, Math.round(now - this.begunAt));
    return {
      name: "",
      started_at: new Date(wallClock - duration).toISOString(),
      duration_ms: duration,
      frames: { sent: Math.max(sent, this.answered), answered: this.answered },
      detectors: this.detectors,
      moments: best([...this.surest.values()]),
      samples: { step_ms: this.samples.step, rows: packed(this.samples.rows) },
    };
  }
}

/** @param {Moment[]} moments @returns {Moment[]} the best few in order of time: the surest, and a calm face only for want of others */
export function best(moments) {
  const rank = ({ label, score }) => score - (label === "natural" ? 1 : 0);
  return [...moments].sort((a, b) => rank(b) - rank(a)).slice(0, MOMENTS).sort((a, b) => a.t - b.t);
}

/** @param {import("../timeline/samples.js").Sample[]} rows @returns {Object<string, number>} the share of each expression seen */
export function summary(rows) {
  return Object.fromEntries(shares(rows).map(({ label, share }) => [label, Number(share.toFixed(4))]));
}
