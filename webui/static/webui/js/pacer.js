/** Decides when the next frame may go out, measures what comes back, and can say why. Times are milliseconds. */

import { Rate } from "./rate.js";

const IN_FLIGHT = 2;
const FRESH = 250;
const LATE_KEPT = 16;
const SHARE_OF_NEWEST = 0.15;
const SLOWEST = 5;
const ASKED_FOR = 10_000;
const FASTER_AGAIN = 1.1;

/**
 * @typedef {Object} Pace
 * @property {number} rate frames a second that the page has chosen
 * @property {"full" | "camera" | "asked" | "device" | "link" | "server" | "answers"} reason what holds it there
 * @property {number} takes milliseconds a frame that the reason takes; 0 where it is no matter of time
 */

/**
 * A moving average that one slow frame does not throw off.
 * @param {number | null} old @param {number} value @returns {number}
 */
function smoothed(old, value) {
  return old === null ? value : old + (Math.min(value, old * 3 + 50) - old) * SHARE_OF_NEWEST;
}

export class Pacer {
  /** @param {{fps?: number}} [options] the fastest rate wanted, frames a second */
  constructor({ fps = 25 } = {}) {
    this.want(fps);
    /** The time that this machine needs between two frames, whatever the server can do. */
    this.least = 0;
    this.reset();
  }

  /** @param {number} fps the fastest rate that is wanted and allowed, frames a second */
  want(fps) {
    this.fps = this.wanted = fps;
    this.askedAt = 0;
  }

  /** Forget everything: a new connection starts clean. */
  reset() {
    /** @type {Map<number, number>} frame number -> time sent */
    this.waiting = new Map();
    /** @type {Map<number, number>} the same for the newest frames given up: their answers may still come */
    this.late = new Map();
    this.answers = new Rate();
    this.nextAt = 0;
    /** @type {number | null} smoothed time from sent to answered */
    this.delay = null;
    /** @type {number | null} what of it the server does not explain: the way there and back */
    this.link = null;
    /** @type {number | null} what of it the server took, waiting in line there included */
    this.server = null;
    /** @type {number | null} what of that was work: decoding and looking */
    this.work = null;
    /** @type {number | null} smoothed time that taking a frame takes here */
    this.capture = null;
    this.unanswered = 0;
  }

  /**
   * The time between two frames: the wanted rate, or slower where answers come slower. Not faster than the server works,
   * or every frame would wait there for the one before it.
   */
  get interval() {
    return Math.max(1000 / this.fps, this.least, Math.min((this.delay ?? 0) / IN_FLIGHT, this.underWay), this.work ?? 0);
  }

  /**
   * A frame that is out for longer than this is not under way any more: it waits in the server's line, where a newer one
   * takes its place. Unknown, and endless, before an answer has told how long the way is.
   */
  get underWay() {
    return this.link === null ? Infinity : Math.max(FRESH, 2 * (this.link + (this.work ?? 0)));
  }

  /**
   * Two frames may be out. When their turn is long in coming, newer ones may follow, so that the one that gets it is fresh.
   * @param {number} now @returns {boolean}
   */
  mayStart(now) {
    if (now < this.nextAt) return false;
    return this.waiting.size < IN_FLIGHT || now - Math.max(...this.waiting.values()) >= this.underWay;
  }

  /** @param {number} took the time from the camera's picture to an encoded frame */
  captured(took) {
    this.capture = smoothed(this.capture, took);
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
   * @param {{queue: number, decode: number, inference: number}} [timing] what the server says it took
   * @returns {number | null} the time from sent to answered; null for a frame that this connection did not send
   */
  answered(frame, now, timing) {
    const sentAt = this.waiting.get(frame) ?? this.late.get(frame);
    if (sentAt === undefined) return null;
    for (const frames of [this.waiting, this.late]) {
      for (const other of [...frames.keys()]) {
        if (other <= frame) frames.delete(other);
      }
    }
    const took = now - sentAt;
    this.delay = smoothed(this.delay, took);
    if (timing) {
      const work = timing.decode + timing.inference;
      this.work = smoothed(this.work, work);
      this.server = smoothed(this.server, work + timing.queue);
      this.link = smoothed(this.link, Math.max(0, took - work - timing.queue));
    }
    this.answers.mark(now);
    return took;
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

  /** The server said that frames come too fast. @param {number} now */
  slowDown(now) {
    this.fps = Math.max(Math.min(SLOWEST, this.wanted), this.fps * 0.75);
    this.askedAt = now;
  }

  /** Some time after the server asked for fewer, try more again, a little at a time. @param {number} now */
  recover(now) {
    if (this.fps < this.wanted && now - this.askedAt > ASKED_FOR) this.fps = Math.min(this.wanted, this.fps * FASTER_AGAIN);
  }

  /** @param {number} now @returns {number} frames answered a second, over the last two seconds */
  rate(now) {
    return this.answers.perSecond(now);
  }

  /** @param {number} [camera] pictures a second that the camera gives, if known @returns {Pace} */
  pace(camera = Infinity) {
    // Frames are taken one after the other.
    const device = Math.max(this.least, this.capture ?? 0);
    const isDevice = device > 0 && device >= this.interval;
    const rate = 1000 / Math.max(this.interval, device);
    if (camera > 0 && camera < rate * 0.9) return { rate: camera, reason: "camera", takes: 0 };
    if (rate > this.fps * 0.97) return { rate, reason: this.fps < this.wanted ? "asked" : "full", takes: 0 };
    if (isDevice) return { rate, reason: "device", takes: device };
    const known = (this.link ?? 0) + (this.server ?? 0);
    // Frames that nobody answered slow the page down too, and of those nobody knows where they are.
    if (known === 0 || this.delay > known * 1.5) return { rate, reason: "answers", takes: this.delay };
    if (this.link > this.server) return { rate, reason: "link", takes: this.link };
    return { rate, reason: "server", takes: this.server };
  }
}
