/** The frames on their way to the server as sharp as the camera has them, so that a face can be cut out of the very one that it
 *  was seen in: by the time of the answer the video shows a later one. Nothing of them is ever sent by itself. */

const MOST = 4;

export class Stills {
  constructor() {
    /** @type {Map<number, HTMLCanvasElement>} by the number of the frame, oldest first */
    this.waiting = new Map();
    /** @type {HTMLCanvasElement[]} */
    this.spare = [];
    /** @type {HTMLCanvasElement | null} of the frame whose answer is shown */
    this.answered = null;
  }

  /** @param {{source: HTMLVideoElement, part: import("./geometry.js").Rect}} seen @returns {HTMLCanvasElement} */
  take({ source, part }) {
    const canvas = this.spare.pop() ?? document.createElement("canvas");
    const [width, height] = [Math.round(part.width), Math.round(part.height)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d", { alpha: false });
    context.drawImage(source, part.x, part.y, part.width, part.height, 0, 0, width, height);
    return canvas;
  }

  /** @param {number} frame @param {HTMLCanvasElement} canvas that was taken for it */
  keep(frame, canvas) {
    this.waiting.set(frame, canvas);
    for (const number of this.waiting.keys()) {
      if (this.waiting.size <= MOST) return;
      this.#drop(number);
    }
  }

  /** @param {number} frame whose answer is shown from now on; older ones are not waited for */
  show(frame) {
    if (!this.waiting.has(frame)) return;
    if (this.answered) this.spare.push(this.answered);
    this.answered = this.waiting.get(frame);
    this.waiting.delete(frame);
    for (const number of this.waiting.keys()) {
      if (number < frame) this.#drop(number);
    }
  }

  /** Forget them all. */
  clear() {
    this.waiting.clear();
    this.spare = [];
    this.answered = null;
  }

  #drop(number) {
    this.spare.push(this.waiting.get(number));
    this.waiting.delete(number);
  }
}
