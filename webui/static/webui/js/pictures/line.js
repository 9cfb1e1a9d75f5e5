/** Who is next: a few pictures at a time, and none while the site asks to wait. */

/**
 * @typedef {Object} Piece
 * @property {() => Promise<void>} work rejects with `{wait: seconds}` when it should be tried again after that
 */

const TICK = 250;

export class Line {
  /** @param {number} atOnce @param {(seconds: number) => void} onPause told how long it still waits; 0: it goes on */
  constructor(atOnce, onPause) {
    this.atOnce = atOnce;
    this.onPause = onPause;
    /** @type {Piece[]} */
    this.waiting = [];
    /** @type {Set<Piece>} */
    this.inWork = new Set();
    this.goesOnAt = 0;
    this.timer = 0;
  }

  /** @param {Piece} piece */
  add(piece) {
    this.waiting.push(piece);
    this.#next();
  }

  /** @param {Piece} piece that has not begun, or has been broken off */
  remove(piece) {
    this.waiting = this.waiting.filter((other) => other !== piece);
  }

  #next() {
    while (!this.timer && this.inWork.size < this.atOnce && this.waiting.length > 0) this.#begin(this.waiting.shift());
  }

  async #begin(piece) {
    this.inWork.add(piece);
    try {
      await piece.work();
    } catch (error) {
      if (error.wait === undefined) throw error;
      this.waiting.unshift(piece);
      this.#pause(error.wait);
    } finally {
      this.inWork.delete(piece);
      this.#next();
    }
  }

  #pause(seconds) {
    this.goesOnAt = Math.max(this.goesOnAt, performance.now() + seconds * 1000);
    if (this.timer) return;
    this.timer = setInterval(() => this.#count(), TICK);
    this.#count();
  }

  #count() {
    const seconds = Math.max(0, Math.ceil((this.goesOnAt - performance.now()) / 1000));
    this.onPause(seconds);
    if (seconds > 0) return;
    clearInterval(this.timer);
    this.timer = 0;
    this.#next();
  }
}
