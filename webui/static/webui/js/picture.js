/** A still picture instead of the camera: choosing or dropping it, showing it, asking the server about it. */

import { containRect, fitWithin } from "./geometry.js";
import { watchSize } from "./size.js";

/** An error of the API by its code, or `no_answer`. */
export class PictureError extends Error {
  /** @param {string} code @param {string} [message] */
  constructor(code, message = code) {
    super(message);
    this.name = "PictureError";
    this.code = code;
  }
}

/**
 * Ask the server what it sees.
 * @param {string} url of `POST /api/predict` @param {Blob} file
 * @returns {Promise<{emotion: string, confidence: number, boxes: import("./emotions.js").Face[], detector: string}>}
 * @throws {PictureError}
 */
export async function predict(url, file) {
  const form = new FormData();
  form.append("file", file, file.name ?? "picture");
  let response;
  try {
    response = await fetch(url, { method: "POST", body: form });
  } catch (error) {
    throw new PictureError("no_answer", String(error));
  }
  const answer = await response.json().catch(() => null);
  if (response.ok && answer) return answer;
  if (response.ok) throw new PictureError("no_answer");
  if (response.status === 413) throw new PictureError("image_too_large");
  if (response.status === 429) throw new PictureError("server_busy");
  throw new PictureError(answer?.error?.code ?? "unknown", answer?.error?.message ?? "");
}

/** Shows a picture whole, upright, in the middle of the card. */
export class PictureView {
  /** @param {HTMLCanvasElement} canvas fills the card @param {number} [longest] pixels of a side that are kept in memory */
  constructor(canvas, longest = Infinity) {
    this.canvas = canvas;
    this.longest = longest;
    /** @type {ImageBitmap | null} */
    this.bitmap = null;
    this.loading = 0;
    this.card = watchSize(canvas, () => this.draw());
  }

  /** @param {Blob} file @throws {PictureError} `bad_image` for what the browser cannot show */
  async load(file) {
    this.canvas.width = 0; // Empties it.
    const turn = (this.loading += 1);
    let bitmap;
    try {
      bitmap = await this.#shrunk(await createImageBitmap(file));
    } catch (error) {
      throw new PictureError("bad_image", String(error));
    }
    if (turn !== this.loading) {
      bitmap.close(); // A later picture has taken its place.
      return;
    }
    this.bitmap?.close();
    this.bitmap = bitmap;
    this.draw();
  }

  async #shrunk(bitmap) {
    if (Math.max(bitmap.width, bitmap.height) <= this.longest) return bitmap;
    const { width, height } = fitWithin(bitmap, this.longest);
    const small = await createImageBitmap(bitmap, { resizeWidth: width, resizeHeight: height, resizeQuality: "high" });
    bitmap.close();
    return small;
  }

  /** @returns {import("./geometry.js").Rect | null} where it lies in the card, CSS pixels */
  get area() {
    return this.bitmap && this.card.width > 0 ? containRect(this.bitmap, this.card) : null;
  }

  draw() {
    const area = this.area;
    if (!area) return;
    const sharp = devicePixelRatio || 1;
    this.canvas.width = Math.round(this.card.width * sharp);
    this.canvas.height = Math.round(this.card.height * sharp);
    const context = this.canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.scale(sharp, sharp);
    context.drawImage(this.bitmap, area.x, area.y, area.width, area.height);
  }
}

/**
 * Take pictures from a file field, from a drop anywhere on the page, and from the clipboard.
 * @param {HTMLInputElement} field @param {HTMLElement} target marked while something is dragged over the page
 * @param {(file: File) => void} take
 */
export function acceptPictures(field, target, take) {
  const first = (files) => files?.length > 0 && take(files[0]);
  field.addEventListener("change", () => {
    first(field.files);
    field.value = "";
  });
  addEventListener("paste", (event) => first(event.clipboardData?.files));
  addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    target.classList.add("dropping");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) target.classList.remove("dropping");
  });
  addEventListener("drop", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    target.classList.remove("dropping");
    first(event.dataTransfer.files);
  });
}
