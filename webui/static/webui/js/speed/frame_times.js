/** Where the time of each answered frame went. Times are milliseconds. */

/** In the order in which a frame goes through them. */
export const PARTS = Object.freeze(["capture", "upload", "queue", "decode", "inference", "draw"]);

/** @typedef {Object<"capture" | "upload" | "queue" | "decode" | "inference" | "draw", number>} Times */

const KEPT = 50;
const OPEN_KEPT = 16;

export class FrameTimes {
  constructor() {
    this.clear();
  }

  clear() {
    /** @type {Map<number, Partial<Times>>} frames on their way */
    this.open = new Map();
    /** @type {Times[]} the newest last */
    this.done = [];
  }

  /** @param {number} frame @param {number} took from the camera's picture to an encoded frame */
  captured(frame, took) {
    this.open.set(frame, { capture: took });
    for (const old of [...this.open.keys()].slice(0, -OPEN_KEPT)) this.open.delete(old);
  }

  /**
   * @param {number} frame @param {number} trip from sent to answered
   * @param {{queue: number, decode: number, inference: number}} timing what the server says it took
   */
  answered(frame, trip, { queue, decode, inference }) {
    const times = this.open.get(frame);
    // What the server's own timings do not explain: the way there, the way back, and both ends' buffers.
    if (times) Object.assign(times, { upload: Math.max(0, trip - queue - decode - inference), queue, decode, inference });
  }

  /** @param {number} frame @param {number} took from the answer to the picture on the screen */
  drawn(frame, took) {
    const times = this.open.get(frame);
    if (times?.upload === undefined) return;
    for (const old of [...this.open.keys()]) {
      if (old <= frame) this.open.delete(old);
    }
    this.done.push({ ...times, draw: took });
    if (this.done.length > KEPT) this.done.shift();
  }

  /** @returns {Times | null} of the newest frame */
  get last() {
    return this.done.at(-1) ?? null;
  }

  /** @returns {Times | null} the median of each part over the newest 50 frames */
  get typical() {
    if (this.done.length === 0) return null;
    return Object.fromEntries(PARTS.map((part) => [part, median(this.done.map((times) => times[part]))]));
  }
}

/** @param {Times} times @returns {number} */
export function total(times) {
  return PARTS.reduce((sum, part) => sum + times[part], 0);
}

/** @param {number[]} values at least one @returns {number} */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
