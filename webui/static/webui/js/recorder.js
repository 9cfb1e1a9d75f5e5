/** A short film of the scene, made in the browser by MediaRecorder; nothing leaves it. */

export const LONGEST = 15_000;
const FPS = 30;
const BITS_A_SECOND = 2_500_000;
const TYPES = ["video/webm;codecs=vp8", "video/webm", "video/mp4"];

/** @returns {string | null} the kind of film that this browser can make, null where it can make none */
export function filmType() {
  if (typeof MediaRecorder === "undefined" || !HTMLCanvasElement.prototype.captureStream) return null;
  return TYPES.find((type) => MediaRecorder.isTypeSupported(type)) ?? null;
}

/**
 * @param {HTMLVideoElement} film that has just been recorded; it is at its beginning afterwards
 * @returns {Promise<number>} its length in seconds, which the browser knows only once it has looked for the end; NaN for no film
 */
export async function lengthOf(film) {
  const happens = (name) => new Promise((resolve) => {
    for (const each of [name, "error"]) film.addEventListener(each, resolve, { once: true });
  });
  if (film.readyState < HTMLMediaElement.HAVE_METADATA) await happens("loadedmetadata");
  if (film.duration === Infinity) {
    film.currentTime = Number.MAX_SAFE_INTEGER;
    await happens("durationchange");
    film.currentTime = 0;
  }
  return film.duration;
}

/** Fires `tick` with the whole seconds left and `done` with `{film: Blob, reason}` in `detail`. */
export class Recorder extends EventTarget {
  /** @param {import("./scene.js").Scene} scene */
  constructor(scene) {
    super();
    this.scene = scene;
    /** @type {MediaRecorder | null} */
    this.recorder = null;
    document.addEventListener("visibilitychange", () => document.hidden && this.stop("hidden"));
  }

  get running() {
    return this.recorder !== null;
  }

  /** Record what the scene shows for at most 15 s. Throws what MediaRecorder throws where it can't. */
  start() {
    const canvas = Object.assign(document.createElement("canvas"), this.scene.size);
    const context = canvas.getContext("2d", { alpha: false });
    this.scene.paint(context);
    const recorder = new MediaRecorder(canvas.captureStream(FPS), {
      mimeType: filmType(),
      videoBitsPerSecond: BITS_A_SECOND,
    });
    this.reason = "full";
    this.startedAt = performance.now();
    const pieces = [];
    recorder.addEventListener("dataavailable", ({ data }) => pieces.push(data));
    recorder.addEventListener("error", () => this.stop("broken"));
    recorder.addEventListener("stop", () => {
      recorder.stream.getTracks().forEach((track) => track.stop());
      const film = new Blob(pieces, { type: recorder.mimeType.split(";")[0] });
      this.#tell("done", { film, reason: this.reason });
    });
    recorder.start(1000);
    this.recorder = recorder;
    const draw = () => {
      if (this.recorder !== recorder) return;
      this.scene.paint(context);
      requestAnimationFrame(draw);
    };
    draw();
    this.timer = setInterval(() => this.#tick(), 200);
    this.#tick();
  }

  /** @param {"wish" | "hidden" | "away" | "broken" | "full"} reason why it ends */
  stop(reason) {
    const { recorder } = this;
    if (!recorder) return;
    this.recorder = null;
    this.reason = reason;
    clearInterval(this.timer);
    if (recorder.state !== "inactive") recorder.stop();
  }

  #tick() {
    const left = LONGEST - (performance.now() - this.startedAt);
    if (left <= 0) this.stop("full");
    else this.#tell("tick", Math.ceil(left / 1000));
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
