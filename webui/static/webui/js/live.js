/** The live path: camera frames out, predictions back, at the pace that the server keeps. */

import { pace } from "../hamster/clock.js";
import { Camera } from "./camera.js";
import { FrameSource } from "./frames.js";
import { Pacer } from "./pacer.js";
import { Rate } from "./rate.js";
import { LiveSocket } from "./socket.js";
import { FrameTimes } from "./speed/frame_times.js";
import { Stills } from "./stills.js";

const GIVE_UP_AFTER = 2000;
const SILENT_AFTER = 10_000;
const SLOW_DELAY = 700;
const BEAT = 500;
const BLAMED = { link: "slow-link", server: "slow" };
/** Frames kept in memory until they are answered; those before them never will be. */
const FRAMES_KEPT = 20;
/** On a slow machine the hamster moves first: it is drawn so often for one frame that is sent, for at most so many ms. */
const DRAWN_BETWEEN = 1.5;
const RAREST = 80;

/**
 * @typedef {Object} Speed
 * @property {import("./pacer.js").Pace} pace
 * @property {boolean} isHidden whether the tab is, so that nothing is sent
 * @property {boolean} isConnected
 * @property {{last: ?import("./speed/frame_times.js").Times, typical: ?import("./speed/frame_times.js").Times}} times
 * @property {{page: number, server: number, unanswered: number}} leftOut frames of this connection that were not looked at
 */

/**
 * Events with their data in `detail`: `prediction` (with the frame itself as `picture`) and `detector` from the server; `connection` with
 * `{state: "connecting" | "open" | "slow" | "slow-link" | "late" | "trouble" | "lost" | "full", message, retryAt?}`; `numbers` with `{fps, delay, dropped}`
 * and `speed` with a `Speed`, twice a second; `ended` when the camera goes away by itself; `stopped`.
 */
export class Live extends EventTarget {
  /** @param {HTMLVideoElement} video @param {number} maxFaces wanted at most @param {{livePath: string, packerUrl: string}} addresses */
  constructor(video, maxFaces, { livePath, packerUrl }) {
    super();
    this.maxFaces = maxFaces;
    this.camera = new Camera(video);
    this.frames = new FrameSource(video, packerUrl);
    this.stills = new Stills();
    this.socket = new LiveSocket(livePath);
    this.pacer = new Pacer();
    this.frame = 0;
    this.grabbing = false;
    /** @type {Map<number, Blob>} by their numbers */
    this.sent = new Map();
    this.beat = 0;
    this.state = "idle";
    this.full = false;
    /** @type {string | null} the server's words about the newest frame, if it could not be looked at */
    this.trouble = null;
    /** @type {number | null} when a frame went out that nothing has been heard since */
    this.waitingSince = null;
    this.dropped = 0;
    /** Pictures of the camera that this page left out because another frame was on its way or not yet due. */
    this.leftOut = 0;
    this.ticks = new Rate();
    this.times = new FrameTimes();
    /** Counts up whenever the tab is hidden or shown: what was drawn across that was not slow. */
    this.tabTurns = 0;
    /** @type {number | null} */
    this.smoothing = null;
    this.camera.addEventListener("ended", () => {
      this.stop();
      this.#tell("ended");
    });
    this.socket.addEventListener("hello", ({ detail }) => this.#greeted(detail));
    this.socket.addEventListener("prediction", ({ detail }) => this.#answered(detail));
    this.socket.addEventListener("problem", ({ detail }) => this.#problem(detail));
    this.socket.addEventListener("detector", ({ detail }) => this.#tell("detector", detail.version));
    this.socket.addEventListener("lost", ({ detail }) => this.#lost(detail));
    document.addEventListener("visibilitychange", () => {
      this.tabTurns += 1;
      this.#heard();
    });
  }

  /**
   * @param {string} deviceId "" for the browser's choice
   * @returns {Promise<boolean>} false when it was stopped meanwhile
   * @throws {import("./camera.js").CameraError}
   */
  async start(deviceId) {
    if (!(await this.camera.open(deviceId))) return false;
    if (!this.socket.wanted) {
      this.socket.open();
      this.beat = setInterval(() => this.#heartbeat(), BEAT);
    }
    this.state = "idle";
    this.#connection(this.socket.ready ? "open" : "connecting");
    this.frames.start(() => this.#offerFrame());
    return true;
  }

  stop() {
    clearInterval(this.beat);
    this.frames.stop();
    this.camera.stop();
    this.socket.close();
    this.pacer.reset();
    this.stills.clear();
    this.sent.clear();
    this.times.clear();
    this.ticks.clear();
    this.state = "idle";
    this.#tell("stopped");
  }

  /** @returns {ImageBitmap | null} the frame that the latest prediction is about */
  get seen() {
    return this.stills.answered;
  }

  /** @param {number} smoothing 0..1 */
  smooth(smoothing) {
    this.smoothing = smoothing;
    this.socket.configure({ smoothing });
  }

  async #offerFrame() {
    const now = performance.now();
    if (document.hidden || !this.socket.ready) return;
    this.ticks.mark(now);
    this.pacer.least = Math.min(RAREST, DRAWN_BETWEEN * pace());
    // With a backlog, on a slow network, another frame would only be older when it arrives.
    if (this.grabbing || !this.pacer.mayStart(now) || this.socket.backlog > 0) {
      this.leftOut += 1;
      return;
    }
    this.grabbing = true;
    try {
      const packed = await this.frames.grab();
      if (!packed) return;
      const { picture, still } = packed;
      if (!this.socket.ready || document.hidden) return still.close();
      const taken = performance.now();
      this.frame = (this.frame + 1) >>> 0;
      this.stills.keep(this.frame, still);
      this.sent.set(this.frame, picture);
      this.waitingSince ??= taken;
      this.pacer.captured(taken - now);
      this.times.captured(this.frame, taken - now);
      this.pacer.sent(this.frame, taken);
      this.socket.sendFrame(this.frame, picture);
    } finally {
      this.grabbing = false;
    }
  }

  #greeted({ detector, limits }) {
    this.full = false;
    this.trouble = null;
    this.dropped = this.leftOut = 0;
    this.pacer.reset();
    this.times.clear();
    // A little under the server's limit, so that uneven camera ticks do not cross it.
    this.pacer.want(Math.min(25, limits.max_fps * 0.9));
    this.#heard();
    this.socket.configure({
      max_faces: Math.min(this.maxFaces, limits.max_faces),
      ...(this.smoothing !== null && { smoothing: this.smoothing }),
    });
    this.#connection("open");
    this.#tell("version", detector);
  }

  #answered(prediction) {
    this.#heard();
    this.dropped = prediction.dropped;
    this.trouble = null;
    const picture = this.sent.get(prediction.frame);
    for (const frame of this.sent.keys()) {
      if (frame <= prediction.frame || this.sent.size > FRAMES_KEPT) this.sent.delete(frame);
    }
    const now = performance.now();
    const trip = this.pacer.answered(prediction.frame, now, prediction.timing_ms);
    if (trip === null) return;
    this.stills.show(prediction.frame);
    this.times.answered(prediction.frame, trip, prediction.timing_ms);
    this.#tell("prediction", { ...prediction, picture });
    const { tabTurns } = this;
    afterPaint(() => {
      if (tabTurns === this.tabTurns) this.times.drawn(prediction.frame, performance.now() - now);
    });
  }

  #problem({ code, message, frame }) {
    console.warn(`The server said ${code}: ${message}`);
    this.#heard();
    this.full = code === "server_busy" || code === "throttled";
    if (code === "too_fast") this.pacer.slowDown(performance.now());
    else this.trouble = message;
    if (frame !== undefined) this.pacer.waiting.delete(frame);
  }

  #lost({ retryAt }) {
    this.pacer.reset();
    this.#connection(this.full ? "full" : "lost", retryAt);
    this.full = false;
  }

  #heard() {
    this.waitingSince = null;
  }

  #heartbeat() {
    const now = performance.now();
    const { pacer } = this;
    const given = pacer.giveUp(now, GIVE_UP_AFTER);
    pacer.recover(now);
    if (this.socket.ready) {
      if (this.waitingSince !== null && now - this.waitingSince > SILENT_AFTER) {
        this.socket.restart();
        return;
      }
      const slow = given > 0 || pacer.delay > SLOW_DELAY;
      const blame = BLAMED[pacer.pace().reason] ?? "late";
      this.#connection(this.trouble !== null ? "trouble" : slow ? blame : "open");
    }
    const dropped = this.dropped + pacer.unanswered;
    this.#tell("numbers", { fps: pacer.rate(now), delay: pacer.delay, dropped });
    this.#tell("speed", {
      pace: pacer.pace(this.ticks.perSecond(now)),
      isHidden: document.hidden,
      isConnected: this.socket.ready,
      times: { last: this.times.last, typical: this.times.typical },
      leftOut: { page: this.leftOut, server: this.dropped, unanswered: pacer.unanswered },
    });
  }

  #connection(state, retryAt) {
    if (state === this.state && retryAt === undefined) return;
    this.state = state;
    this.#tell("connection", { state, retryAt, message: this.trouble });
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** Call back when what is drawn now is on the screen. */
function afterPaint(callback) {
  requestAnimationFrame(() => setTimeout(callback, 0));
}
