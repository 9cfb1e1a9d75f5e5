/** Packs pictures of the video for the way to the server: on a thread of its own where the browser can, else on the page's. */

/** @typedef {import("./geometry.js").Rect} Rect */
/** @typedef {import("./geometry.js").Size} Size */
/** @typedef {{part: Rect, size: Size, type: string, quality: number}} Order  part: what to take, whole pixels of the video;
 *  size: how large to pack it */
/** @typedef {{picture: Blob, still: ImageBitmap}} Packed  still: the part as sharp as the video has it; its owner closes it */

/** A worker that has not answered for so long, in ms, is given up. */
const SILENCE = 10_000;
const CAN_SHARE = "VideoFrame" in globalThis && "OffscreenCanvas" in globalThis;

export class Packer {
  /** @param {HTMLVideoElement} video @param {string} workerUrl address of packer_worker.js */
  constructor(video, workerUrl) {
    this.video = video;
    this.workerUrl = workerUrl;
    this.alone = !CAN_SHARE;
    /** @type {Worker | null} */
    this.worker = null;
    /** @type {((packed: Packed | null) => void) | null} */
    this.answer = null;
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  }

  /** Get ready, so that the first picture need not wait. */
  prepare() {
    if (this.alone || this.worker) return;
    try {
      this.worker = new Worker(this.workerUrl, { type: "module" });
    } catch (error) {
      this.#goAlone(error);
      return;
    }
    this.worker.addEventListener("message", ({ data }) => (data.trouble ? this.#goAlone(data.trouble) : this.answer(data)));
    this.worker.addEventListener("messageerror", () => this.#goAlone("Its answer could not be read."));
    this.worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#goAlone(event.message);
    });
  }

  /**
   * One after the other: the next only once this one is there.
   * @param {Order} order @returns {Promise<Packed | null>} null when it could not be packed this time
   */
  pack(order) {
    const source = this.worker && this.#frame();
    if (!source) return this.#packHere(order);
    try {
      this.worker.postMessage({ ...order, source }, [source]);
    } catch (error) {
      source.close();
      this.#goAlone(error);
      return this.#packHere(order);
    }
    return new Promise((resolve) => {
      const silence = setTimeout(() => this.#goAlone("It does not answer."), SILENCE);
      this.answer = (packed) => {
        clearTimeout(silence);
        resolve(packed);
      };
    });
  }

  /** The picture that the video shows; null where it can't be taken, or would be taken lying on its side. */
  #frame() {
    let frame;
    try {
      frame = new VideoFrame(this.video);
    } catch (error) {
      this.#goAlone(error);
      return null;
    }
    if (frame.displayWidth === this.video.videoWidth && frame.displayHeight === this.video.videoHeight) return frame;
    frame.close();
    return null;
  }

  async #packHere({ part, size, type, quality }) {
    const still = await createImageBitmap(this.video, part.x, part.y, part.width, part.height);
    const { canvas } = this;
    if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
    this.context.drawImage(still, 0, 0, size.width, size.height);
    const picture = await new Promise((resolve) => canvas.toBlob(resolve, type, quality));
    if (picture) return { picture, still };
    still.close();
    return null;
  }

  #goAlone(reason) {
    console.warn("Pictures are packed on the page's own thread.", reason);
    this.worker?.terminate();
    this.worker = null;
    this.alone = true;
    this.answer?.(null);
  }
}
