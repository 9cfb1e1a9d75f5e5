/** Tells a screen reader what changed: the newest thing, at most once every two seconds, never the same twice. */

const PAUSE = 2000;

export class Announcer {
  /** @param {HTMLElement} region a polite live region */
  constructor(region) {
    this.region = region;
    this.next = "";
    this.timer = 0;
    this.quietUntil = 0;
  }

  /** @param {string} text */
  say(text) {
    this.next = text;
    if (this.timer) return;
    this.timer = setTimeout(() => this.#speak(), Math.max(0, this.quietUntil - performance.now()));
  }

  #speak() {
    this.timer = 0;
    if (this.next === this.region.textContent) return;
    this.region.textContent = this.next;
    this.quietUntil = performance.now() + PAUSE;
  }
}
