/** The camera: opening it, naming what went wrong, listing what there is. */

import { fill, gettext } from "./i18n.js";

/** A reason in one word: refused, missing, busy, insecure or lost; `messages.js` has the sentence for each. */
export class CameraError extends Error {
  /** @param {string} reason @param {unknown} [cause] */
  constructor(reason, cause) {
    super(`camera: ${reason}`, { cause });
    this.name = "CameraError";
    this.reason = reason;
  }
}

const REASONS = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

/** Fires `ended` when the camera goes away by itself (unplugged, taken over, permission withdrawn). */
export class Camera extends EventTarget {
  /** @param {HTMLVideoElement} video where the picture is shown */
  constructor(video) {
    super();
    this.video = video;
    /** @type {MediaStream | null} */
    this.stream = null;
    this.attempt = 0;
  }

  /** True for the camera at the back of a phone, which nobody expects to be mirrored. */
  get facesAway() {
    return this.stream?.getVideoTracks()[0]?.getSettings().facingMode === "environment";
  }

  /**
   * Open a camera and show it. A chosen camera that is gone falls back to the browser's choice.
   * @param {string} deviceId "" for the browser's choice
   * @returns {Promise<boolean>} false when `stop` or another `open` overtook this one
   * @throws {CameraError}
   */
  async open(deviceId) {
    if (!navigator.mediaDevices?.getUserMedia) throw new CameraError("insecure");
    this.stop();
    const attempt = this.attempt;
    let stream;
    try {
      stream = await this.#request(deviceId);
    } catch (error) {
      if (attempt !== this.attempt) return false;
      if (!(error instanceof DOMException)) throw error;
      throw new CameraError(REASONS[error.name] ?? "missing", error);
    }
    if (attempt !== this.attempt) {
      stream.getTracks().forEach((track) => track.stop());
      return false;
    }
    this.stream = stream;
    stream.getVideoTracks()[0].addEventListener("ended", () => {
      if (this.stream !== stream) return;
      this.stop();
      this.dispatchEvent(new Event("ended"));
    });
    this.video.srcObject = stream;
    try {
      await this.video.play();
    } catch (error) {
      if (attempt !== this.attempt) return false;
      this.stop();
      throw new CameraError("busy", error);
    }
    return attempt === this.attempt;
  }

  /** Let the camera go; its light goes out. */
  stop() {
    this.attempt += 1;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
  }

  /** @returns {Promise<{id: string, name: string}[]>} names are known only once a camera was allowed */
  async list() {
    const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    return devices
      .filter((device) => device.kind === "videoinput" && device.deviceId !== "")
      .map((device, index) => ({ id: device.deviceId, name: device.label || fill(gettext("Camera {number}"), { number: index + 1 }) }));
  }

  async #request(deviceId) {
    const picture = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
    const ask = (which) => navigator.mediaDevices.getUserMedia({ audio: false, video: { ...picture, ...which } });
    if (!deviceId) return ask({ facingMode: "user" });
    try {
      return await ask({ deviceId: { exact: deviceId } });
    } catch (error) {
      if (error.name !== "OverconstrainedError" && error.name !== "NotFoundError") throw error;
      return ask({ facingMode: "user" });
    }
  }
}
