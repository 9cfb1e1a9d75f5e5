/** How often something happens: marks over the last two seconds. Times are milliseconds. */

const WINDOW = 2000;

export class Rate {
  constructor() {
    /** @type {number[]} */
    this.marks = [];
  }

  /** @param {number} now */
  mark(now) {
    this.marks.push(now);
    this.#forget(now);
  }

  clear() {
    this.marks = [];
  }

  /** @param {number} now @returns {number} times a second */
  perSecond(now) {
    this.#forget(now);
    if (this.marks.length < 2) return 0;
    return ((this.marks.length - 1) * 1000) / Math.max(now - this.marks[0], 1);
  }

  #forget(now) {
    while (this.marks.length > 0 && now - this.marks[0] > WINDOW) this.marks.shift();
  }
}
