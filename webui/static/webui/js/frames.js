/** Takes small JPEG frames from the playing video: exactly the part that the card shows. */

import { coverCrop, fitWithin } from "./geometry.js";
import { watchSize } from "./size.js";

const LONGEST_SIDE = 320;
const QUALITY = 0.8;

export class FrameSource {
  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.video = video;
    this.card = watchSize(video);
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    this.running = false;
  }

  /**
   * What the card shows of the video, in its pixels; null while it has no picture yet.
   * @returns {{source: HTMLVideoElement, part: import("./geometry.js").Rect} | null}
   */
  get shown() {
    const { videoWidth, videoHeight } = this.video;
    if (!videoWidth || !videoHeight || !this.card.width || !this.card.height) return null;
    return { source: this.video, part: coverCrop({ width: videoWidth, height: videoHeight }, this.card) };
  }

  /** @returns {Promise<Blob | null>} null while the video has no picture yet */
  grab() {
    const crop = this.shown?.part;
    if (!crop) return Promise.resolve(null);
    const size = fitWithin(crop, LONGEST_SIDE);
    if (this.canvas.width !== size.width || this.canvas.height !== size.height) {
      Object.assign(this.canvas, size);
    }
    this.context.drawImage(this.video, crop.x, crop.y, crop.width, crop.height, 0, 0, size.width, size.height);
    return new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", QUALITY));
  }

  /**
   * Call back once for every new picture of the video, until `stop`.
   * @param {() => void} tick
   */
  start(tick) {
    this.stop();
    const token = {};
    this.running = token;
    const next = this.video.requestVideoFrameCallback
      ? (step) => this.video.requestVideoFrameCallback(step)
      : (step) => requestAnimationFrame(step);
    const step = () => {
      if (this.running !== token) return;
      tick();
      next(step);
    };
    next(step);
  }

  stop() {
    this.running = false;
  }
}
