/** Decides when the next frame may go out and measures what comes back. Times are milliseconds. */

const IN_FLIGHT = 2;
const RATE_WINDOW = 2000;
const LATE_KEPT = 16;

export class Pacer {
  /** @param {{fps?: number}} [options] the fastest rate wanted, frames a second */
  constructor({ fps = 25 } = {}) {
    this.fps = fps;
    /** The time that this machine needs between two frames, whatever the server can do. */
    this.least = 0;
    this.reset();
  }

  /** Forget everything: a new connection starts clean. */
  reset() {
    /** @type {Map<number, number>} frame number -> time sent */
    this.waiting = new Map();
    /** @type {Map<number, number>} the same for the newest frames given up: their answers may still come */
    this.late = new Map();
    /** @type {number[]} */
    this.answers = [];
    this.nextAt = 0;
    /** @type {number | null} smoothed time from sent to answered */
    this.delay = null;
    this.unanswered = 0;
  }

  /** The time between two frames: the wanted rate, or slower where answers come slower. */
  get interval() {
    return Math.max(1000 / this.fps, this.least, (this.delay ?? 0) / IN_FLIGHT);
  }

  /** @param {number} now @returns {boolean} */
  mayStart(now) {
    return this.waiting.size < IN_FLIGHT && now >= this.nextAt;
  }

  /** @param {number} frame @param {number} now */
  sent(frame, now) {
    this.waiting.set(frame, now);
    // Counted from when it was due, so that the ticks of the camera do not round the rate down.
    this.nextAt = Math.max(this.nextAt + this.interval, now);
  }

  /**
   * An answer came. Older frames still waiting were replaced on the server and will get none.
   * @param {number} frame @param {number} now
   * @returns {boolean} false for a frame that this connection did not send
   */
  answered(frame, now) {
    const sentAt = this.waiting.get(frame) ?? this.late.get(frame);
    if (sentAt === undefined) return false;
    for (const frames of [this.waiting, this.late]) {
      for (const other of [...frames.keys()]) {
        if (other <= frame) frames.delete(other);
      }
    }
    const took = now - sentAt;
    this.delay = this.delay === null ? took : this.delay + (took - this.delay) * 0.15;
    this.answers.push(now);
    return true;
  }

  /**
   * Give up on frames that nobody answered, so that a lost one does not block the line.
   * @param {number} now @param {number} after
   * @returns {number} how many were given up
   */
  giveUp(now, after) {
    let lost = 0;
    for (const [frame, sentAt] of [...this.waiting]) {
      if (now - sentAt > after) {
        this.waiting.delete(frame);
        this.late.set(frame, sentAt);
        lost += 1;
      }
    }
    for (const frame of [...this.late.keys()].slice(0, -LATE_KEPT)) this.late.delete(frame);
    this.unanswered += lost;
    if (lost > 0) this.delay = Math.max(this.delay ?? 0, after / 2);
    return lost;
  }

  /** @param {number} now @returns {number} frames answered a second, over the last two seconds */
  rate(now) {
    while (this.answers.length > 0 && now - this.answers[0] > RATE_WINDOW) this.answers.shift();
    if (this.answers.length < 2) return 0;
    return ((this.answers.length - 1) * 1000) / Math.max(now - this.answers[0], 1);
  }
}
