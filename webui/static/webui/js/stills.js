/** The frames on their way to the server as sharp as the camera has them, so that a face can be cut out of the very one that it
 *  was seen in: by the time of the answer the video shows a later one. Nothing of them is ever sent by itself. */

const MOST = 4;

export class Stills {
  constructor() {
    /** @type {Map<number, ImageBitmap>} by the number of the frame, oldest first */
    this.waiting = new Map();
    /** @type {ImageBitmap | null} of the frame whose answer is shown */
    this.answered = null;
  }

  /** @param {number} frame @param {ImageBitmap} still of it; closed as soon as it is of no more use */
  keep(frame, still) {
    this.waiting.set(frame, still);
    for (const number of this.waiting.keys()) {
      if (this.waiting.size <= MOST) return;
      this.#drop(number);
    }
  }

  /** @param {number} frame whose answer is shown from now on; older ones are not waited for */
  show(frame) {
    if (!this.waiting.has(frame)) return;
    this.answered?.close();
    this.answered = this.waiting.get(frame);
    this.waiting.delete(frame);
    for (const number of this.waiting.keys()) {
      if (number < frame) this.#drop(number);
    }
  }

  /** Forget them all. */
  clear() {
    for (const number of this.waiting.keys()) this.#drop(number);
    this.answered?.close();
    this.answered = null;
  }

  #drop(number) {
    this.waiting.get(number).close();
    this.waiting.delete(number);
  }
}
