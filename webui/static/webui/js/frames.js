/** Takes small JPEG frames from the playing video: exactly the part that the card shows. */

import { coverCrop, fitWithin } from "./geometry.js";
import { Packer } from "./packer.js";
import { watchSize } from "./size.js";

const LONGEST_SIDE = 320;
const QUALITY = 0.8;

export class FrameSource {
  /** @param {HTMLVideoElement} video @param {string} workerUrl of packer_worker.js */
  constructor(video, workerUrl) {
    this.video = video;
    this.card = watchSize(video);
    this.packer = new Packer(video, workerUrl);
    this.running = false;
  }

  /** @returns {Promise<import("./packer.js").Packed | null>} null while the video has no picture yet, and when packing it failed */
  grab() {
    const { videoWidth, videoHeight, readyState } = this.video;
    const isEmpty = readyState < HTMLMediaElement.HAVE_CURRENT_DATA || !this.card.width || !this.card.height;
    if (isEmpty) return Promise.resolve(null);
    const crop = coverCrop({ width: videoWidth, height: videoHeight }, this.card);
    const part = Object.fromEntries(Object.entries(crop).map(([name, pixels]) => [name, Math.round(pixels)]));
    return this.packer.pack({ part, size: fitWithin(crop, LONGEST_SIDE), type: "image/jpeg", quality: QUALITY });
  }

  /**
   * Call back once for every new picture of the video, until `stop`.
   * @param {() => void} tick
   */
  start(tick) {
    this.stop();
    this.packer.prepare();
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
