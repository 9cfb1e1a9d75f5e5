/** What a saved picture or a clip shows: the camera's card with its masks, or the hamster's card alone. */

import { coverCrop, fitWithin } from "./geometry.js";

/** @typedef {import("./geometry.js").Size} Size */

const HAMSTER_WIDTH = 960;
const LONGEST_SIDE = 1920;
const even = (length) => 2 * Math.max(1, Math.round(length / 2)); // as encoders of video want it

export class Scene {
  /**
   * @param {{video: HTMLVideoElement, picture: import("./picture.js").PictureView, mask: import("./mask.js").Mask,
   *          troupe: import("./troupe.js").Troupe}} shown
   */
  constructor({ video, picture, mask, troupe }) {
    Object.assign(this, { video, picture, mask, troupe });
  }

  /** Whether people are in it, each under a mask; else it is the hamsters alone. */
  get showsPeople() {
    return this.mask.on;
  }

  /** @returns {Size} pixels, even numbers */
  get size() {
    const { width, height } = this.showsPeople ? fitWithin(this.#source, LONGEST_SIDE) : this.#cardSize;
    return { width: even(width), height: even(height) };
  }

  /** @param {CanvasRenderingContext2D} context as large as `size` was */
  paint(context) {
    const { width, height } = context.canvas;
    context.setTransform(1, 0, 0, 1, 0, 0);
    if (this.showsPeople) this.#paintPeople(context, width, height);
    else this.#paintHamsters(context, width, height);
  }

  get #live() {
    return !this.video.hidden;
  }

  /** The part of the video or picture that is shown, in its own pixels. */
  get #source() {
    if (!this.#live) return { x: 0, y: 0, width: this.picture.bitmap.width, height: this.picture.bitmap.height };
    const { videoWidth, videoHeight, clientWidth, clientHeight } = this.video;
    return coverCrop({ width: videoWidth, height: videoHeight }, { width: clientWidth, height: clientHeight });
  }

  get #cardSize() {
    const { clientWidth, clientHeight } = this.troupe.card;
    return { width: HAMSTER_WIDTH, height: (HAMSTER_WIDTH * clientHeight) / clientWidth };
  }

  #paintPeople(context, width, height) {
    const { x, y, width: wide, height: high } = this.#source;
    const mirrored = this.#live && this.mask.mirrored;
    if (mirrored) context.setTransform(-1, 0, 0, 1, width, 0);
    context.drawImage(this.#live ? this.video : this.picture.bitmap, x, y, wide, high, 0, 0, width, height);
    context.setTransform(1, 0, 0, 1, 0, 0);
    this.mask.paint(context, { x: 0, y: 0, width, height }, mirrored);
  }

  #paintHamsters(context, width, height) {
    context.fillStyle = getComputedStyle(this.troupe.card.parentElement).backgroundColor;
    context.fillRect(0, 0, width, height);
    const { clientWidth, clientHeight } = this.troupe.card;
    context.scale(width / clientWidth, height / clientHeight);
    this.troupe.paint(context);
  }
}
